"""The one error that reading raises."""


class Unreadable(Exception):
    """The bytes tell of no run. `line` and `column` count from 1 where the place is known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.message, self.line, self.column = message, line, column
        where = "" if line is None else f", line {line}, column {column}"
        super().__init__(message + where)


class NotARun(Unreadable):
    """The file is fine, but it is about something else: of a folder it is passed over."""
