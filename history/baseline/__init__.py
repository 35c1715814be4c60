"""Whether work took what is usual for it: pure functions over plain data, without a database.

    fingerprint.py, nodes.py    what a graph asks of a GPU: cost drivers, models, samplers
    work.py, ladder.py    which earlier work is fair to compare with, and why other work is not
    standing.py       one run against its baseline
    verdict.py        the last runs against those before them: improving, degrading, stable
    proportions.py    the same for success
    change_points.py  since when
    compare.py        several runs side by side
    summary.py        the figures of a list
    logs.py, ranks.py, memory.py, confidence.py    what these are reckoned with

Formulas, sources and the reasons for each threshold: docs/statistics.md. It imports numpy, so it
is imported where it is used, never as the site starts.
"""
