"""Whose log lines these are: ComfyUI prints no prompt id, but runs one prompt at a time.

"Prompt executed in" cuts the stream into segments, one per prompt. A segment belongs to the prompt
that a /queue answer shows as running, if that answer was asked for after the segment before had
closed; until one comes, at most WAIT_S, its lines wait. Once bound, lines pass at once until the
segment closes. Two things undo a binding that a race made wrong: a line written before the prompt
was submitted is not its own, and a prompt that still runs has not been executed.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from telemetry.clock import from_local
from telemetry.protocol.loglines import GotPrompt, LogLine, PromptExecuted

WAIT_S = 2.0
WAITING_LIMIT = 500


class Line(msgspec.Struct, frozen=True):
    """A parsed log line: when it came, and the time that ComfyUI wrote before it."""

    what: LogLine
    at: datetime
    told: str

    @property
    def written_at(self) -> datetime | None:
        """Return when ComfyUI wrote it, None where untold; most lines are never asked."""
        return from_local(self.told, self.at)


@dataclass(slots=True)
class Logbook:
    """The lines that wait for an owner, and the prompt that owns the open segment."""

    owner: str | None = None
    closed_at: datetime | None = None
    # Lines of the open segment, and those of segments that closed before anybody claimed them.
    waiting: deque[Line] = field(default_factory=lambda: deque(maxlen=WAITING_LIMIT))
    orphaned: deque[Line] = field(default_factory=lambda: deque(maxlen=WAITING_LIMIT))
    # Lines that had to go before anybody could claim them: more waited than are kept.
    pushed_out: int = 0

    def take(self, line: Line) -> Iterator[tuple[str, Line]]:
        """Yield (prompt_id, line) where the line's owner is known; else let it wait."""
        if isinstance(line.what, GotPrompt):
            return
        if self.owner is not None:
            yield self.owner, line
        else:
            self.pushed_out += len(self.waiting) == WAITING_LIMIT
            self.waiting.append(line)
        if isinstance(line.what, PromptExecuted):
            self._close(line.at)

    def _close(self, at: datetime) -> None:
        self.owner, self.closed_at = None, at
        self.orphaned.extend(self.waiting)
        self.waiting.clear()

    def bind(
        self, running: str, asked_at: datetime, since: datetime | None
    ) -> Iterator[tuple[str, Line]]:
        """Give the open segment to the running prompt, submitted at `since` of ComfyUI's clock.

        Does nothing for an answer that was asked for before the last segment closed: it may show
        the prompt that closed it.
        """
        if self.owner is not None or (self.closed_at is not None and asked_at < self.closed_at):
            return
        self.owner = running
        lines = list(self.waiting)
        self.waiting.clear()
        for line in lines:
            if since is None or line.written_at is None or line.written_at >= since:
                yield running, line

    def move_on(self, running: str) -> None:
        """Let go of an owner that no longer runs: its last line was missed."""
        if self.owner != running:
            self.owner = None

    def expired(self, at: datetime) -> list[Line]:
        """Take the lines that waited WAIT_S in vain."""
        limit = at - timedelta(seconds=WAIT_S)
        gone: list[Line] = []
        for lines in (self.orphaned, self.waiting):
            while lines and lines[0].at <= limit:
                gone.append(lines.popleft())
        return gone

    def cut(self, at: datetime) -> None:
        """End the open segment: the stream was interrupted, its last line may have been missed."""
        self._close(at)
