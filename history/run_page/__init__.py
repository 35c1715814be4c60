"""The page of a run: what happened and why, and whether that was normal.

reading.py    all that it shows, in a fixed number of queries
why.py        the sentence at the top
scenes.py     the table of scenes with their attempts
policy.py     what a queue policy comes to, and how its versions did
fallbacks.py  what scripts had to make do with
cards.py      figures against the baseline
earlier.py    the earlier runs as a table
timeline.py   the geometry of scenes by server
footer.py     what was watched and what was not
views.py      the page, its part that comes from the record, and notes
"""
