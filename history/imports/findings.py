"""Findings as they are gathered while a file is read."""

from history.imports.codes import CODES
from history.imports.told import Found

# A file of garbage has one for each value; some hundreds tell as much, and the document is kept.
MOST = 1000
LONGEST_PATH, LONGEST_MESSAGE = 300, 500


class Findings:
    """What is odd in one file; of the same code at the same place once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Found] = {}
        self._more = 0
        # The scene that is being read, by its external id.
        self.scene: str | None = None

    def add(self, code: str, path: str, message: str) -> None:
        """Note something; beyond MOST it is only counted."""
        key = (code, path)
        if key in self._found:
            return
        if len(self._found) >= MOST:
            self._more += 1
            return
        level = CODES[code][0]
        self._found[key] = Found(
            code, level, path[:LONGEST_PATH], message[:LONGEST_MESSAGE], self.scene
        )

    def all(self) -> list[Found]:
        """Return them in the order in which they were found."""
        found = list(self._found.values())
        if self._more:
            level, text = CODES["more_findings"]
            found.append(Found("more_findings", level, "", f"{text} {self._more} are left out."))
        return found
