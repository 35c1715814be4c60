"""Which attempts on record are those that a file tells of: watched ones, and its own of before.

In this order: the same prompt_id (on the same server, where that is known); the same number at the
same scene; and of what is left at a scene the last with the last, for scripts keep their last try.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from history.filing.into import Into
from history.imports.findings import Findings
from history.imports.told import ToldAttempt, ToldScene
from history.models import Attempt, Run
from history.run_rows import PROMPT_SOURCE
from telemetry.models import Server

Told = tuple[ToldScene, ToldAttempt]


@dataclass(slots=True)
class Matches:
    """The attempts on record by the place of what is told, and those of the run that are left.

    `moved_from` are scenes of other runs that a matched attempt leaves; `servers` are the team's by
    the names that files have for them.
    """

    servers: dict[str, Server]
    by_place: dict[int, Attempt] = field(default_factory=dict)
    left: list[Attempt] = field(default_factory=list)
    moved_from: set[int] = field(default_factory=set)


def _servers_of(into: Into) -> dict[str, Server]:
    """Return the team's servers by name and by address."""
    servers = Server.objects.kept().filter(team=into.team)
    return {key: server for server in servers for key in (server.name, server.url)}


def match(
    run: Run, told: list[Told], into: Into, findings: Findings, is_empty: bool = False
) -> Matches:
    """Return which attempts on record are told of; notes what cannot be told apart.

    A run that `is_empty` has none of its own.
    """
    own = [] if is_empty else list(_loaded().filter(scene__run=run).order_by("pk"))
    are_named = any(attempt.server for _, attempt in told)
    matches = Matches(_servers_of(into) if are_named else {})
    _by_prompt(matches, run, told, own, into, findings)
    taken = {attempt.pk for attempt in matches.by_place.values()}
    rest: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in sorted(own, key=_when):
        if attempt.pk not in taken:
            rest[attempt.scene.external_id].append(attempt)
    for name, places in _open_places(told, matches).items():
        _by_scene(matches, told, places, rest[name])
    matches.left = [attempt for attempts in rest.values() for attempt in attempts]
    rows = matches.by_place.values()
    matches.moved_from = {row.scene_id for row in rows if row.scene.run_id != run.pk}
    return matches


def _loaded() -> "QuerySet[Attempt]":
    return Attempt.objects.select_related("scene__run").defer("traceback")


def _when(attempt: Attempt) -> tuple[datetime, int]:
    return attempt.submitted_at or attempt.ended_at or attempt.seen_at, attempt.pk


def _by_prompt(
    matches: Matches,
    run: Run,
    told: list[Told],
    own: Iterable[Attempt],
    into: Into,
    findings: Findings,
) -> None:
    wanted = {attempt.prompt_id for _, attempt in told if attempt.prompt_id}
    if not wanted:
        return
    found: defaultdict[str, dict[int, Attempt]] = defaultdict(dict)
    watched = _loaded().filter(server__team=into.team, prompt_id__in=wanted)
    for attempt in (*watched, *own):
        found[attempt.prompt_id][attempt.pk] = attempt
    for place, (scene, wants) in enumerate(told):
        if not wants.prompt_id:
            continue
        findings.scene = scene.external_id
        server = matches.servers.get(wants.server or "") or into.server
        candidates = _fitting(found[wants.prompt_id].values(), wants, server)
        one = _only(run, candidates, wants, findings)
        if one is not None:
            matches.by_place[place] = one
            del found[wants.prompt_id][one.pk]
        findings.scene = None


def _fitting(
    candidates: Iterable[Attempt], told: ToldAttempt, server: Server | None
) -> list[Attempt]:
    return [
        one
        for one in candidates
        if (server is None or one.server_id in (None, server.pk))
        and (not told.repeat or one.repeat == told.repeat)
    ]


def _only(
    run: Run, candidates: list[Attempt], told: ToldAttempt, findings: Findings
) -> Attempt | None:
    """Return the one attempt that may be meant: of this run, or of none that names itself."""
    ours = [one for one in candidates if one.scene.run_id == run.pk]
    free = ours or [one for one in candidates if one.scene.run.source == PROMPT_SOURCE]
    path = f"prompt {told.prompt_id[:60]}"
    if candidates and not free:
        other = candidates[0].scene.run.external_id
        findings.add("live_elsewhere", path, f'It was watched as part of the run "{other}".')
    if len(free) > 1:
        findings.add("live_ambiguous", path, f"{len(free)} watched prompts have this id.")
        return None
    return free[0] if free else None


def _open_places(told: list[Told], matches: Matches) -> dict[str, list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, (scene, _) in enumerate(told):
        if place not in matches.by_place:
            places[scene.external_id].append(place)
    return places


def _by_scene(matches: Matches, told: list[Told], places: list[int], rest: list[Attempt]) -> None:
    """Match what a scene has left, by number and then from the last on; takes it out of `rest`.

    A prompt_id on both sides that is not the same is another prompt.
    """
    for place in list(places):
        number = told[place][1].attempt_number
        same = [one for one in rest if number is not None and one.attempt_number == number]
        if same and _may_be(told[place][1], same[0]):
            matches.by_place[place] = same[0]
            places.remove(place)
            rest.remove(same[0])
    for place in reversed(places):
        fitting = [one for one in rest if _may_be(told[place][1], one)]
        if fitting:
            matches.by_place[place] = fitting[-1]
            rest.remove(fitting[-1])


def _may_be(told: ToldAttempt, attempt: Attempt) -> bool:
    return not (told.prompt_id and attempt.prompt_id) or told.prompt_id == attempt.prompt_id
