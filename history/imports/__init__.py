"""Read what submitters' scripts and we ourselves write of runs: bytes in, plain values out.

No database, no Django, no clock: `reading.read` returns the runs that a file tells, each with
findings for all that is odd in it, or raises Unreadable. history/filing/ puts them on record.
"""
