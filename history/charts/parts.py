"""A chart as data. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """How values are drawn.

    Lines and bars stand at places in an order (x counts from 0, one step a run); bars of several
    series are stacked. Dots stand anywhere.
    """

    LINES = "lines"
    BARS = "bars"
    DOTS = "dots"


class Unit(StrEnum):
    """What an axis counts: seconds, a share of 1, bytes shown as GiB, or things."""

    SECONDS = "s"
    SHARE = "%"
    BYTES = "GiB"
    COUNT = ""


class Shape(StrEnum):
    """What tells series apart without colour; LOWER and UPPER are parts of a stacked bar."""

    LINE = "line"
    CIRCLE = "circle"
    DIAMOND = "diamond"
    TRIANGLE = "triangle-up"
    SQUARE = "square"
    CROSS = "cross"
    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class Value:
    """One value: where it is, whose, and in words.

    `y` None is a gap. `text` is the value with its unit. `more` are further rows of what is read of
    it, name and text. `is_this` marks what the page is about: drawn full and larger.
    """

    x: float
    y: float | None
    name: str
    text: str
    at: datetime | None = None
    more: tuple[tuple[str, str], ...] = ()
    is_this: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Values under one name, in one colour (a token of the design) and one shape.

    Dots of one that is `full` are no background of what the page is about.
    """

    name: str
    values: tuple[Value, ...]
    token: str = "--c1"
    shape: Shape = Shape.LINE
    full: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis is of. `from_zero` False lets it begin near the least value, and says so."""

    name: str
    unit: Unit
    from_zero: bool = True


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual: the middle as a dashed line, and between low and high as a band."""

    name: str
    middle: float
    text: str
    low: float | None = None
    high: float | None = None
    band: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place from which on values are at another level: a dashed rule with its label.

    `name` and `at` are those of the first value there, `text` says with n how it went on. `beside`
    is what happened at about the same time, and no cause.
    """

    x: float
    name: str
    label: str
    text: str
    at: datetime | None = None
    beside: str = ""
    beside_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and what it shows in one sentence, which is the finding and no description.

    `x` None: lines and bars in their order. `total` is how many values there were before some were
    left out, 0 for all. `nothing` says why there is nothing to draw where every series is empty;
    `this` is what the page is about.
    """

    kind: Kind
    title: str
    sentence: str
    y: Axis
    series: tuple[Series, ...]
    x: Axis | None = None
    usual: Usual | None = None
    subtitle: str = ""
    total: int = 0
    nothing: str = "Nothing to draw yet."
    this: str = "this run"
    marks: tuple[Mark, ...] = ()

    @property
    def values(self) -> list[Value]:
        """Return the values of all series."""
        return [value for series in self.series for value in series.values]

    @property
    def is_empty(self) -> bool:
        """Say whether no value is known."""
        return all(value.y is None for value in self.values)
