"""Runs as bars, a lane for each server; where they are too many for that, as bins.

Pure. Places are percent of the window's width, heights are pixels.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from history.strip import LETTERS
from history.timeline.parts import Bar, Bin, Lane, Part, word
from history.timeline.reading import Piece
from history.timeline.window import Window
from telemetry.text import duration, plural

TOP, GAP = 24, 10
# A row of bars has the mark of what is not as it should be above each; a row of bins its count.
ROW, BINNED = 26, 54
# What is narrower cannot be seen; a mark is so wide on a strip of 1,000 px.
SEEN, MARKED = 0.3, 1.3
# Beyond so many in a lane, or so many side by side, neighbours are counted together.
SINGLE, ROWS = 250, 5
BINS = 48
STACK = 18
# The worst first: what a bin is called by.
WORST = (
    *("failed", "timeout", "lost", "cancelled", "partial", "unknown"),
    *("skipped", "executing", "queued", "completed"),
)


def lanes_of(pieces: Iterable[Piece], names: Mapping[int, str], window: Window) -> list[Lane]:
    """Return the lanes by name, below each other; runs of which no server is known come last."""
    by_server: defaultdict[int | None, list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_server[piece.server].append(piece)
    ordered = sorted(by_server, key=lambda pk: (pk is None, names.get(pk or 0, "")))
    lanes: list[Lane] = []
    y = TOP
    for pk in ordered:
        name = names.get(pk or 0, "Server not known")
        lanes.append(_lane(name, by_server[pk], y, window))
        y += lanes[-1].height + GAP
    return lanes


def told(
    lanes: Iterable[Lane],
    names: Mapping[int, tuple[str, str]],
    query: Callable[[datetime, datetime], str],
) -> list[Lane]:
    """Return lanes with what only a page knows.

    That is other names for some runs, by primary key (name, and what it is of), and the `query`
    with which the time of a bin is shown.
    """
    return [
        replace(
            lane,
            bars=tuple(_named(bar, names) for bar in lane.bars),
            bins=tuple(replace(one, query=query(one.since, one.until)) for one in lane.bins),
        )
        for lane in lanes
    ]


def _named(bar: Bar, names: Mapping[int, tuple[str, str]]) -> Bar:
    name, of = names.get(bar.pk, (bar.name, bar.of))
    return replace(bar, name=name, of=of)


def _lane(name: str, pieces: list[Piece], y: int, window: Window) -> Lane:
    count = plural(len(pieces), "run")
    bars = _bars(pieces, y, window) if len(pieces) <= SINGLE else None
    if bars is not None:
        rows = 1 + max(bar.y - y for bar in bars) // ROW
        return Lane(name, count, "", y, ROW * rows, bars=tuple(bars))
    each = duration(window.span_s / BINS)
    return Lane(name, count, f"bins of {each}", y, BINNED, bins=tuple(_bins(pieces, y, window)))


def _bars(pieces: list[Piece], y: int, window: Window) -> list[Bar] | None:
    """Return each run in the first row where it touches none; None where ROWS are too few."""
    full: list[float] = []
    bars = []
    for piece in pieces:
        begin, end = _extent(piece, window)
        row = next((n for n, until in enumerate(full) if until <= begin), len(full))
        if row == ROWS:
            return None
        full[row : row + 1] = [end]
        bars.append(_bar(piece, y + row * ROW, window))
    return bars


def _extent(piece: Piece, window: Window) -> tuple[float, float]:
    """Return what a run takes of a row: its bar, its mark, and a little between it and the next."""
    begin, end = window.place(piece.began_at), window.place(piece.ended_at or window.at)
    least = SEEN if piece.status == "completed" else MARKED
    return begin, max(end, begin + least) + SEEN / 2


def _bar(piece: Piece, y: int, window: Window) -> Bar:
    ended_at = piece.ended_at or window.at
    begun_at = piece.begun_at or ended_at
    wait_x, x, end = (window.place(at) for at in (piece.began_at, begun_at, ended_at))
    works = piece.begun_at is not None
    width = round(max(SEEN, end - x), 3) if works else 0.0
    # One that was over within no time at the very end would lie outside.
    x = min(x, round(100 - width, 3))
    return Bar(
        pk=piece.pk,
        x=x,
        width=width,
        wait_x=wait_x,
        wait_width=round(max(0.0 if works else SEEN, x - wait_x), 3),
        middle=round(x + width / 2, 3),
        y=y,
        status=piece.status,
        name=piece.name,
        of=piece.of,
        piece=piece,
        waited_s=(begun_at - piece.began_at).total_seconds(),
        took_s=(ended_at - begun_at).total_seconds() if works else None,
    )


def _bins(pieces: list[Piece], y: int, window: Window) -> list[Bin]:
    """Return the bins that hold a run; it counts where it began, or at the window's edge."""
    edges = [window.moment(n / BINS) for n in range(BINS + 1)]
    held: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for piece in pieces:
        place = bisect_right(edges, piece.began_at) - 1
        held[min(BINS - 1, max(0, place))][piece.status] += 1
    most = max(counts.total() for counts in held.values())
    return [_bin(n, held[n], most, edges, y) for n in sorted(held)]


def _bin(number: int, counts: Counter[str], most: int, edges: list[datetime], y: int) -> Bin:
    wide = 100 / BINS
    worst = next(status for status in WORST if counts[status])
    told = [f"{counts[s]:,} {word(s)}" for s in LETTERS if counts[s]]
    return Bin(
        x=round(number * wide + 0.1, 3),
        width=round(wide - 0.2, 3),
        middle=round((number + 0.5) * wide, 3),
        y=y,
        since=edges[number],
        until=edges[number + 1],
        count=counts.total(),
        worst=worst,
        marked=worst != "completed",
        words=f"{plural(counts.total(), 'run')}: {', '.join(told)}",
        parts=tuple(_stack(counts, most)),
    )


def _stack(counts: Counter[str], most: int) -> Iterable[Part]:
    """Return the bin's runs on top of each other, the worst uppermost; each can be seen."""
    scale, below = (STACK - 2 * len(counts)) / most, float(BINNED)
    for status in reversed(WORST):
        if counts[status]:
            height = round(2 + scale * counts[status], 2)
            below -= height
            yield Part(status, round(below, 2), height)
