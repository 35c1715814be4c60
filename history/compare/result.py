"""What the runs came to: a row for each figure, a cell for each run. Pure.

Only the time of the scenes is judged (pairs.py). Of the other figures nobody knows what is normal
from one run: they get an arrow and no tone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from history.compare.pairs import Compared, Pair, Way, symmetric
from history.compare.reading import Read
from history.compare.words import COUNTED, TONES, waited_s
from history.judged.words import NOISE, percent
from telemetry.text import MISSING, NBSP, duration, gib

Figure = float | None
# Below it two amounts of memory are the same: GiB with one decimal.
SAME_BYTES = 0.05 * (1 << 30)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A figure; `cells` are (value, note, icon, amount, tone, words) in the order of the runs."""

    name: str
    cells: list[tuple[str, str, str, str, str, str]]
    differs: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """A kind of figure: how to take it from a run, to write it, and to write a difference."""

    name: str
    take: Callable[[Read, int], Figure]
    shown: Callable[[Read, int, Figure], tuple[str, str]]
    amount: Callable[[float, float], tuple[float, str]]


def _share(mine: float, theirs: float) -> tuple[float, str]:
    change = symmetric(mine, theirs) or 0.0
    return (change if abs(change) >= NOISE else 0.0), percent(change)


def _points(mine: float, theirs: float) -> tuple[float, str]:
    change = 100 * (mine - theirs)
    return (change if abs(change) >= 0.05 else 0.0), f"{abs(change):.1f}{NBSP}pt"


def _number(mine: float, theirs: float) -> tuple[float, str]:
    change = mine - theirs
    return (change if abs(change) >= 0.05 else 0.0), f"{abs(change):.1f}"


def _count(mine: float, theirs: float) -> tuple[float, str]:
    return mine - theirs, f"{abs(mine - theirs):,.0f}"


def _memory(mine: float, theirs: float) -> tuple[float, str]:
    change = mine - theirs
    return (change if abs(change) >= SAME_BYTES else 0.0), f"{gib(abs(change))}{NBSP}GiB"


def _plain(write: Callable[[Figure], str]) -> Callable[[Read, int, Figure], tuple[str, str]]:
    return lambda read, place, figure: (write(figure), "")


def _so_far(read: Read, place: int, figure: Figure) -> tuple[str, str]:
    return duration(figure), "so far" if figure is not None and read.runs[place].open_count else ""


def _completed(read: Read, place: int, figure: Figure) -> tuple[str, str]:
    run = read.runs[place]
    tried = run.scene_count - run.skipped_count
    note = "so far" if run.open_count else ""
    return (f"{run.success_count:,} of {tried:,}" if tried else MISSING), note


def _lasted(read: Read, place: int) -> Figure:
    run = read.runs[place]
    return (read.at - run.began_at).total_seconds() if run.open_count else run.duration_s


def _success(read: Read, place: int) -> Figure:
    return read.runs[place].success_rate


def _attempts(read: Read, place: int) -> Figure:
    run = read.runs[place]
    return run.attempt_count / run.scene_count if run.scene_count and run.attempt_count else None


def _gib(figure: Figure) -> str:
    return MISSING if figure is None else f"{gib(figure)}{NBSP}GiB"


def _some(figure: Figure) -> str:
    return MISSING if figure is None else f"{figure:,.0f}" if figure else "none"


WORK = Figures("Time of its scenes", lambda read, place: read.runs[place].work_s, _so_far, _share)
FIGURES = (
    WORK,
    Figures("First start to last end", _lasted, _so_far, _share),
    Figures("Scenes completed", _success, _completed, _points),
    Figures(
        "Attempts per scene",
        _attempts,
        _plain(lambda figure: MISSING if figure is None else f"{figure:.1f}"),
        _number,
    ),
    Figures(
        "Queue wait, all scenes",
        lambda read, place: waited_s(read.scenes[place]),
        _plain(duration),
        _share,
    ),
    Figures(
        "Lowest free VRAM",
        lambda read, place: read.lowest.get(read.runs[place].pk),
        _plain(_gib),
        _memory,
    ),
    Figures(
        "Fallback warnings",
        # Only files tell of them.
        lambda read, place: (
            read.runs[place].fallback_note_count if read.runs[place].revision else None
        ),
        _plain(_some),
        _count,
    ),
)


def result_rows(read: Read, compared: Compared) -> list[ResultRow]:
    """Return the figures' rows."""
    rows = [_row(read, compared, figures) for figures in FIGURES]
    return rows if _all_whole(compared) else [rows[0], _alike(compared), *rows[1:]]


def _all_whole(compared: Compared) -> bool:
    return all(pair is None or pair.is_whole for pair in compared.pairs)


def _alike(compared: Compared) -> ResultRow:
    """Return the row that tells what was compared where that is not the whole."""
    cells = [_of_alike(pair) for pair in compared.pairs]
    return ResultRow("Scenes that are alike", cells, differs=True)


def _of_alike(pair: Pair | None) -> tuple[str, str, str, str, str, str]:
    if pair is None:
        return MISSING, "", "", "", "", ""
    value = f"{pair.fair:,} of {pair.shared:,}"
    if pair.change is None:
        return value, "", "s-info", "", "", COUNTED[pair.way]
    return value, "", *_judged(pair, pair.change, percent(pair.change))


def _row(read: Read, compared: Compared, figures: Figures) -> ResultRow:
    values = [figures.take(read, place) for place in range(len(read.runs))]
    cells = []
    for place, value in enumerate(values):
        told = figures.shown(read, place, value)
        pair = compared.pairs[place] if figures is WORK else None
        cells.append((*told, *_delta(figures, value, values[read.base], place == read.base, pair)))
    return ResultRow(figures.name, cells, len({cell[0] for cell in cells}) > 1)


def _delta(
    figures: Figures, mine: Figure, theirs: Figure, is_base: bool, pair: Pair | None
) -> tuple[str, str, str, str]:
    """Return icon, amount, tone and words of a difference; nothing where there is none to tell."""
    if is_base or mine is None or theirs is None:
        return "", "", "", ""
    if pair is not None and not pair.is_whole:
        return "s-info", "", "", "not compared as a whole: not all scenes are alike"
    change, amount = figures.amount(mine, theirs)
    if pair is None:
        if not change:
            return "t-flat", "same", "", ""
        return ("t-up", amount, "", "more") if change > 0 else ("t-down", amount, "", "less")
    return _judged(pair, change, amount)


def _judged(pair: Pair, change: float, amount: str) -> tuple[str, str, str, str]:
    flat = pair.way is Way.ALIKE or not change
    icon = "t-flat" if flat else "t-up" if change > 0 else "t-down"
    return icon, amount, TONES.get(pair.way, ""), COUNTED[pair.way]
