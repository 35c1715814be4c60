"""What a strip is drawn of: bars, bins and the lanes that hold them.

Pure but for the zone of the viewer. Places are percent of the window's width, heights are pixels.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime

from history.strip import LABELS
from history.timeline.reading import Piece
from telemetry.text import MISSING, duration, plural


def word(status: str) -> str:
    """Return what a status is called within a sentence."""
    return LABELS.get(status, status)


def _when(moment: datetime) -> str:
    """Return a time as pages write it; strftime takes a tenth of what a template's filter does."""
    local = localtime(moment)
    return f"{local.day} {local:%b %H:%M}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A run on a server: waiting from wait_x on, at work from x on; y is its row's."""

    pk: int
    x: float
    width: float
    wait_x: float
    wait_width: float
    middle: float
    y: int
    status: str
    name: str
    of: str
    piece: Piece
    waited_s: float
    took_s: float | None

    @property
    def wait_y(self) -> int:
        """Return where the hatched part begins: below the mark, lower than the solid one."""
        return self.y + 15

    @property
    def work_y(self) -> int:
        """Return where the solid part begins: below the mark."""
        return self.y + 13

    @property
    def marked(self) -> bool:
        """Say whether it is not as it should be."""
        return self.status != "completed"

    @property
    def label(self) -> str:
        """Return how it ended, or where it is, as a heading."""
        return word(self.status).capitalize()

    @property
    def waited(self) -> str:
        """Return how long it waited, in words."""
        return duration(self.waited_s) if self.waited_s >= 1 else MISSING

    @property
    def took(self) -> str:
        """Return how long it was at work, in words."""
        return duration(self.took_s)

    @property
    def title(self) -> str:
        """Return all of it in a line."""
        so_far = " so far" if self.piece.ended_at is None else ""
        parts = [f"{self.name}: {word(self.status)}"]
        if self.waited_s >= 1:
            parts.append(f"waited {self.waited}{so_far if self.took_s is None else ''}")
        if self.took_s is not None:
            parts.append(f"took {self.took}{so_far}")
        return ", ".join([*parts, plural(self.piece.scenes, "scene")])

    @property
    def at(self) -> str:
        """Return when it was submitted, for programs."""
        return self.piece.began_at.isoformat()

    @property
    def when(self) -> str:
        """Return the same in the viewer's zone: 7 Nov 16:02."""
        return _when(self.piece.began_at)


@dataclass(frozen=True, slots=True)
class Part:
    """The runs of a bin that ended alike: so high from y on."""

    status: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Neighbours in time together: how many, how each ended, and the worst of it."""

    x: float
    width: float
    middle: float
    y: int
    since: datetime
    until: datetime
    count: int
    worst: str
    marked: bool
    words: str
    parts: tuple[Part, ...]
    query: str = ""

    @property
    def label(self) -> str:
        """Return its worst outcome, as a heading."""
        return word(self.worst).capitalize()

    @property
    def when(self) -> str:
        """Return from when to when it is, in the viewer's zone."""
        return f"{_when(self.since)} to {_when(self.until)}"


@dataclass(frozen=True, slots=True)
class Lane:
    """A server's row with bars or with bins, in the order of time; y and height in pixels."""

    name: str
    count: str
    note: str
    y: int
    height: int
    bars: tuple[Bar, ...] = ()
    bins: tuple[Bin, ...] = ()
