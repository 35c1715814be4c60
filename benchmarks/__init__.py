"""What Scenewatch must hold, measured: `python -m benchmarks NAME` (docs/benchmarks.md).

Each benchmark is a module with `add_arguments(parser)` and `run(options) -> list[Figure]`. It works
with real processes, prints their ids, and takes CPU and memory from the operating system.
"""
