"""The heads of the columns: each run with its letter, its strip and its links. Pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from history.active_runs import STRIP_LIMIT
from history.compare.choice import query_of
from history.compare.reading import Read
from history.compare.words import color_of, letter_of
from history.explore.listing import status_of_run, title_of_run
from history.models import Scene
from history.strip import SceneNow, cells, sentence, status_of
from telemetry.overview import Cell


@dataclass(frozen=True, slots=True)
class Head:
    """A run as the head of its column; `without` and `as_base` are addresses' parameters."""

    pk: int
    letter: str
    color: str
    is_base: bool
    name: str
    of: str
    status: str
    label: str
    began_at: datetime
    submitter: str
    cells: tuple[Cell, ...]
    strip: str
    without: str
    as_base: str


def heads_of(read: Read, only: bool) -> list[Head]:
    """Return the heads, in the order of the runs."""
    return [_head(read, place, only) for place in range(len(read.runs))]


def scene_status(read: Read, scene: Scene) -> str:
    """Return where a scene is."""
    running, tried = scene.pk in read.at_work, scene.attempt_count > 0
    return status_of(scene.outcome, running, scene.open_count > 0, tried)


def _head(read: Read, place: int, only: bool) -> Head:
    run, ids = read.runs[place], [run.pk for run in read.runs]
    ordered = [SceneNow(s.external_id, scene_status(read, s)) for s in read.scenes[place]]
    status, label = status_of_run(run, ordered)
    name, of = read.names.get(run.pk) or title_of_run(run)
    others = [pk for pk in ids if pk != run.pk]
    return Head(
        pk=run.pk,
        letter=letter_of(place),
        color=color_of(place),
        is_base=place == read.base,
        name=name,
        of=of,
        status=status,
        label=label,
        began_at=run.began_at,
        submitter=run.submitter or "",
        cells=cells(ordered) if len(ordered) <= STRIP_LIMIT else (),
        strip=sentence(Counter(one.status for one in ordered)),
        without=query_of(others, ids[read.base], only),
        as_base=query_of(ids, run.pk, only),
    )
