"""The page of a scene: why it failed, and whether it is healthy over time.

reading.py asks the database, always with the same queries; each other module makes one part of the
page out of what was read, with values that the templates only place.

answer.py   the sentence that comes first
fault.py    the error, what it was about, and where else it was seen
attempts.py every attempt as a row
nodes.py    the nodes of one attempt as a waterfall
trace.py    the GPU while it was at work
outputs.py  the files that came of it
told.py     what files told of it and its attempts; waited.py how a script waited for one
earlier.py  the same scene in earlier runs, over the baseline
"""
