"""How many new prompts of one server are taken in. Pure.

ComfyUI runs one prompt after the other. A server that names new ones without end would fill the
memory of the process that follows all of them, the writer's queue and the database.
"""

from dataclasses import dataclass
from datetime import datetime

# A whole history (10 001 prompts) and a queue at once, then five times what the quickest run.
BURST = 12_000
PER_S = 100.0
# So many may be open: each poll looks at all of them.
OPEN_LIMIT = 12_000


@dataclass(slots=True)
class Admission:
    """A bucket of BURST that fills by PER_S; each new prompt takes one out of it."""

    left: float = BURST
    at: datetime | None = None
    refused: int = 0

    def admits(self, at: datetime, opened: int) -> bool:
        """Take one more prompt in beside `opened` ones, or refuse it and count that."""
        if self.at is not None and at > self.at:
            self.left = min(BURST, self.left + (at - self.at).total_seconds() * PER_S)
        self.at = at
        if self.left < 1 or opened >= OPEN_LIMIT:
            self.refused += 1
            return False
        self.left -= 1
        return True
