"""What a team's wall says of all its servers together: tiles and runs at work, as finished words.

It is read from the record, which knows every server, whichever collector follows it; history tells
how. Templates only place what stands here. Pure.
"""

from dataclasses import dataclass, field
from datetime import datetime

from telemetry.prompt_rows import EtaText
from telemetry.readable import Readable
from telemetry.text import MISSING


@dataclass(frozen=True, slots=True)
class Trend:
    """How a number stands against the usual; without an icon there is no usual yet.

    `tone` is "" where more is neither good nor bad. `title` says on what it rests.
    """

    icon: str
    words: str
    note: str
    title: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a sparkline: SVG geometry."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that matters. `clock` is shown in its place where it is a time of day."""

    key: str
    label: str
    value: str = MISSING
    unit: str = ""
    title: str = ""
    trend: Trend | None = None
    bars: tuple[Bar, ...] = ()
    clock: EtaText | None = None


@dataclass(frozen=True, slots=True)
class Cell(Readable):
    """A scene of a run's strip; what is not as it should be carries a letter."""

    status: str
    letter: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run at work: its strip, how much is done, when it should end, where it is.

    `status` is how it ended once `ended_at` is set. `alone`: it is one prompt that named no run, so
    nothing of it can follow.
    """

    pk: int
    name: str
    of: str
    submitter: str
    status: str
    label: str
    cells: tuple[Cell, ...]
    strip: str
    done: str
    where: str
    eta: EtaText
    ended_at: datetime | None = None
    alone: bool = False


# The tiles in their order, with what each is called before anything is known.
TILES = {
    "runs": "Active runs",
    "scenes": "Scenes in 24 h",
    "rate": "Success rate",
    "queue": "Queue depth",
    "servers": "Servers at work",
    "clears": "Queue clears",
}


@dataclass(frozen=True, slots=True)
class Overview:
    """A team as it stood on record at `read_at`, the database's time.

    `due_at` is when it changes by time alone, None for never. `more` tells of runs beyond those
    shown.
    """

    read_at: datetime
    tiles: tuple[Tile, ...] = field(
        default_factory=lambda: tuple(Tile(key, label) for key, label in TILES.items())
    )
    runs: tuple[RunRow, ...] = ()
    more: str = ""
    due_at: datetime | None = None
