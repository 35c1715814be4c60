"""Two to twenty-five runs side by side: what differs, and whether it matters.

    choice.py        which runs an address asks for, and the addresses of the page's links
    reading.py       what the page reads: the same queries however many runs and scenes
    align.py         scenes of several runs, row by row
    likeness.py      which scenes may be compared fairly
    noise.py         by how much scenes and runs vary from run to run
    pairs.py         each run against the base: slower, faster, or nobody can tell
    words.py         the same in sentences
    heads.py, result.py, settings.py, environments.py, matrix.py    the parts of the table
    page.py          all of it as the template shows it
    suggested.py     runs to compare with

The formulas are those of history/baseline/ (docs/statistics.md).
"""
