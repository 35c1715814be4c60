"""The charts of a run's page, each asked for when it comes into view.

reading.py    the run and the earlier runs that the page itself compares it with
duration.py   how long it took, over its baseline
success.py    how much of it completed, run by run
memory.py     the time of its scenes by how much VRAM they took at most
polls.py      when a script asked for an attempt, and what it was answered
views.py      the addresses
"""
