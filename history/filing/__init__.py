"""Put on record what files tell of runs: once, whoever else does so at the same time.

`run.file_run` takes one run in one transaction: found or made by its key, compared with its newest
revision, reconciled with the attempts that were watched (matching.py), written, settled.
"""
