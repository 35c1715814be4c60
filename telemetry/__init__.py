"""What is happening now: teams, servers, what they say, and the wall that shows it."""

__version__ = "0.1.0"
