"""A plausible history for demonstrations, tests and benchmarks: nothing in it ever happened.

`farm.py` says what there is (servers, workloads, faults), `runs.py` invents runs of it from a seed,
`rows.py` has them as rows, `load.py` writes those in bulk, `apart.py` prepares them in a process of
its own. All but the loading is pure and the same for the same seed.
"""
