"""Hand out what is on record, in forms that others read."""
