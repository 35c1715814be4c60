"""Runs and scenes of the record beside what is usual for them: a few queries, then plain figures.

    candidates.py   the earlier work that a baseline may be chosen from, read in bulk
    judging.py      a run, and its scenes, against their baselines
    words.py        the same in words: cells of tables, cards, sentences

The formulas are those of history/baseline/ (docs/statistics.md).
"""
