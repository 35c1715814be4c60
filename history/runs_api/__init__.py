"""The API's routes about runs: lists, one run whole, figures, and what may be done with one."""
