"""A plausible history for demonstrations, tests and benchmarks: nothing in it ever happened.

`farm.py` says what there is (servers, workloads, faults), `runs.py` invents runs of it from a seed,
`load.py` writes them in bulk. All but the loading is pure and the same for the same seed.
"""
