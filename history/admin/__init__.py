"""The site admin's view of the record: all of it to be looked at, none of it to be edited."""

from history.admin import failures, filed, watched

__all__ = ["failures", "filed", "watched"]
