"""Which run and scene prompts belong to, found or made: a few statements for any number."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models.functions import Greatest, Least

from history.deletion import come_back
from history.models import Run, RunServer, Scene
from history.upsert import upsert
from telemetry.leases import Leased
from telemetry.transitions import AttemptSeen

# The source of prompts without a run; what a submitter calls so counts as the default one.
PROMPT_SOURCE = "prompt"
DEFAULT_SOURCE = "default"
# A run of many scenes is touched all the time; its row need not be written each time.
TOUCH_S = 10

RUN = ("team", "source", "external_id")
RUN_KEPT = ("story_id", "title", "submitter", "began_at")
RUN_COLUMNS = (*RUN, "touched_at", *RUN_KEPT)
SCENE = ("run", "external_id")
SCENE_KEPT = ("team", "title")

RunKey = tuple[int, str, str]
Seen = tuple[Leased, AttemptSeen]


class Place(NamedTuple):
    """A scene by what is unique about it."""

    run: RunKey
    scene: str


def place_of(leased: Leased, change: AttemptSeen) -> Place:
    """Return where a prompt belongs: the scene it names, else one of its own in an own run."""
    words = change.identity.words
    own = f"{leased.server_id}/{change.key.prompt_id}/{change.key.repeat}"[:200]
    run_id = words.get("run_id")
    source = _source(words) if run_id else PROMPT_SOURCE
    scene = words.get("scene_id") or change.key.prompt_id
    return Place((leased.team_id, source, run_id or own), scene)


def _source(words: dict[str, str]) -> str:
    source = words.get("source", DEFAULT_SOURCE)[:80]
    return DEFAULT_SOURCE if source == PROMPT_SOURCE else source


def scene_ids(seen: list[Seen]) -> dict[Place, int]:
    """Return the scenes' primary keys by place; runs and scenes that are new are made."""
    runs = _run_ids(seen)
    titles = {place_of(*one): _word(one, "scene_title") for one in seen}
    wanted = {(runs[place.run], place.scene): place for place in titles}
    found = Scene.objects.filter(
        run_id__in={run for run, _ in wanted}, external_id__in={scene for _, scene in wanted}
    ).values_list("run_id", "external_id", "pk")
    ids = {(run, scene): pk for run, scene, pk in found}
    # Another collector may make the same scene just now: then its row is the one.
    missing = [
        (*key, wanted[key].run[0], titles[wanted[key]])
        for key in sorted(wanted.keys() - ids.keys())
    ]
    made = upsert(
        Scene, SCENE, (*SCENE, *SCENE_KEPT), missing, kept=SCENE_KEPT, returning=(*SCENE, "id")
    )
    ids |= {(run, scene): pk for run, scene, pk in made}
    return {place: ids[key] for key, place in wanted.items()}


def _word(seen: Seen, name: str) -> str | None:
    return seen[1].identity.words.get(name)


def _run_ids(seen: list[Seen]) -> dict[RunKey, int]:
    wanted = _wanted_runs(seen)
    found = {_key(run): run for run in _existing(wanted)}
    for key in sorted(found):  # always in this order: no two collectors wait for each other
        _touch(found[key], wanted[key])
    _revive(list(found.values()), seen)
    missing = [_values(wanted[key]) for key in sorted(wanted.keys() - found.keys())]
    made = upsert(Run, RUN, RUN_COLUMNS, missing, kept=RUN_KEPT, returning=(*RUN, "id"))
    ids = {key: run.pk for key, run in found.items()}
    return ids | {(team, source, name): pk for team, source, name, pk in made}


def _values(run: Run) -> tuple[Any, ...]:
    """Return a run's values, in the order of RUN_COLUMNS."""
    told = run.story_id, run.title, run.submitter, run.began_at
    return *_key(run), run.touched_at, *told


def _key(run: Run) -> RunKey:
    return run.team_id, run.source, run.external_id


def _wanted_runs(seen: list[Seen]) -> dict[RunKey, Run]:
    """Return the runs as these prompts tell them: from the first one's begin to the last word."""
    wanted: dict[RunKey, Run] = {}
    for leased, change in seen:
        key = place_of(leased, change).run
        began_at = change.submitted_at or change.at
        run = wanted.setdefault(key, _new_run(key, change))
        run.began_at = min(run.began_at, began_at)
        run.touched_at = max(run.touched_at, began_at, change.at)
    return wanted


def _new_run(key: RunKey, change: AttemptSeen) -> Run:
    return Run(
        team_id=key[0],
        source=key[1],
        external_id=key[2],
        story_id=change.identity.words.get("story_id"),
        title=change.identity.words.get("story_title"),
        submitter=change.identity.submitter,
        began_at=change.submitted_at or change.at,
        touched_at=change.at,
    )


def _existing(wanted: Iterable[RunKey]) -> list[Run]:
    keys = set(wanted)
    teams, sources, names = ({key[place] for key in keys} for place in range(3))
    found = Run.objects.filter(team_id__in=teams, source__in=sources, external_id__in=names)
    return [run for run in found if _key(run) in keys]


def _touch(known: Run, told: Run) -> None:
    late = told.touched_at - known.touched_at > timedelta(seconds=TOUCH_S)
    if told.began_at < known.began_at or late:
        Run.objects.filter(pk=known.pk).update(
            began_at=Least("began_at", told.began_at),
            touched_at=Greatest("touched_at", told.touched_at),
        )
    if told.began_at < known.began_at:
        RunServer.objects.filter(run=known.pk).update(began_at=told.began_at)


def _revive(known: list[Run], seen: list[Seen]) -> None:
    """Have deleted runs back that a prompt was submitted to since; what is only read back is old.

    Else what runs now would be in no list, and be gone for good when the run is.
    """
    deleted = {_key(run): run for run in known if run.deleted_at is not None}
    if not deleted:
        return
    back = {}
    for one in seen:
        run, at = deleted.get(place_of(*one).run), _submitted(one[1])
        if run and at and run.deleted_at and run.deleted_at < at:
            back[run.pk] = at
    if back:
        come_back(list(back), max(back.values()), "a prompt was submitted to it")


def _submitted(change: AttemptSeen) -> datetime | None:
    return change.submitted_at or (None if change.found_later else change.at)


def drop_empty(scenes: set[int]) -> None:
    """Remove those of the scenes that prompts had of their own and left, with their runs."""
    if not scenes:
        return
    empty = Scene.objects.filter(pk__in=scenes, attempts=None, run__source=PROMPT_SOURCE)
    Run.objects.filter(pk__in=list(empty.values_list("run_id", flat=True))).delete()
