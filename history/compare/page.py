"""A comparison as its template shows it. Loads numpy."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.compare.choice import Choice, query_of
from history.compare.heads import heads_of
from history.compare.matrix import scene_rows
from history.compare.pairs import compare_runs
from history.compare.reading import read_runs
from history.compare.result import result_rows
from history.compare.settings import setting_rows
from history.compare.words import SPELLED_OUT, heading, letter_of, statements
from history.models import Run

# More statements are folded.
OPEN = 4
# From here on the table scrolls in a region of its own, below a head that stays.
MANY_RUNS, MANY_SCENES = 4, 30


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the table: its head, and its rows as they are asked for."""

    title: str
    rows: list[Any]


def compared_page(runs: list[Run], choice: Choice, at: datetime) -> dict[str, Any]:
    """Return what the template shows of runs of one team, in the order of the choice."""
    read = read_runs(runs, [run.pk for run in runs].index(choice.base or 0), at)
    compared = compare_runs(read)
    settings = setting_rows(read)
    differing = [
        [row.name for row in settings if row.cells[place][1]] for place in range(len(runs))
    ]
    told = statements(read, compared, differing)
    scenes, only = scene_rows(read, compared), choice.only
    return {
        "heading": heading(compared.pairs, read.base),
        "statements": told[:OPEN],
        "more": told[OPEN:],
        "spelled_out": len(told) <= SPELLED_OUT,
        "is_tall": len(runs) > MANY_RUNS or len(scenes) > MANY_SCENES,
        "base": letter_of(read.base),
        "heads": heads_of(read, only),
        "span": len(runs) + 1,
        "result": _group("Result", "", result_rows(read, compared), only),
        "settings": _group("Settings", "differ", settings, only),
        "scenes": _group("Scenes", "differ", scenes, only),
        "other_view": query_of(choice.ids, choice.base, not only),
    }


def _group(title: str, word: str, rows: list[Any], only: bool) -> Group:
    differing = [row for row in rows if row.differs]
    counted = f", {len(differing):,} of {len(rows):,} {word}" if word else ""
    return Group(title + counted, differing if only else rows)
