"""What a comparison reads: the same queries however many runs and scenes there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from history.baseline.fingerprint import Fingerprint
from history.baseline.work import Work
from history.compare.align import Row, rows_of
from history.explore.listing import names_of_runs, scenes_at_work
from history.judged import candidates
from history.judged.candidates import Kind, kind_of
from history.models import Run, RunServer, Scene
from history.run_page.reading import lowest_of_runs
from telemetry.models import Environment

# Environments are rows per change; those of servers that change each day for a year.
ENVIRONMENTS = 2000
# Earlier scenes are those of all runs: it must not matter which of them is the base.
NOBODY = 0


@dataclass(slots=True)
class Read:
    """Runs side by side; lists are in their order. `base` is the place of the base among them."""

    runs: list[Run]
    base: int
    at: datetime
    rows: list[Row]
    scenes: list[list[Scene]]
    names: dict[int, tuple[str, str]]
    servers: dict[int, dict[int, str]]
    environments: dict[int, list[Environment]]
    known: dict[str, Fingerprint]
    lowest: dict[int, int]
    at_work: set[int] = field(default_factory=set)
    earlier: dict[int, list[Work]] = field(default_factory=dict)
    like: dict[Kind, list[Work]] = field(default_factory=dict)


def read_runs(runs: list[Run], base: int, at: datetime) -> Read:
    """Return all that the page tells of runs of one team."""
    ids = [run.pk for run in runs]
    scenes = scenes_of(ids)
    servers = _servers(ids)
    kinds = _kinds(scenes)
    known = candidates.fingerprints(kind.workload for kind in kinds)
    return Read(
        runs=runs,
        base=base,
        at=at,
        rows=rows_of(scenes),
        scenes=scenes,
        names=names_of_runs(runs),
        servers=servers,
        environments=_environments(servers),
        known=known,
        lowest=lowest_of_runs(ids),
        at_work=scenes_at_work([run.pk for run in runs if run.open_count]),
        earlier=candidates.earlier_of_runs(runs),
        like=_like(runs[base], kinds, scenes[base], known, at),
    )


def scenes_of(ids: list[int]) -> list[list[Scene]]:
    """Return the scenes of each run, in their order."""
    told: defaultdict[int, list[Scene]] = defaultdict(list)
    for scene in Scene.objects.filter(run__in=ids).order_by("position", "pk"):
        told[scene.run_id].append(scene)
    return [told[pk] for pk in ids]


def _kinds(runs: list[list[Scene]]) -> dict[Kind, int]:
    """Return the kinds of scenes, each with how many a run has of it at most."""
    most: dict[Kind, int] = {}
    for scenes in runs:
        counts: defaultdict[Kind, int] = defaultdict(int)
        for scene in scenes:
            kind = kind_of(scene)
            if kind is not None and candidates.over_at(scene) is not None:
                counts[kind] += 1
                most[kind] = max(most.get(kind, 0), counts[kind])
    return most


def _like(
    base: Run,
    kinds: Mapping[Kind, int],
    scenes: Iterable[Scene],
    known: Mapping[str, Fingerprint],
    at: datetime,
) -> dict[Kind, list[Work]]:
    """Return earlier scenes of the kinds of the base's: what is not of its kind is not compared."""
    own = {kind_of(scene) for scene in scenes}
    wanted = {kind: count for kind, count in kinds.items() if kind in own}
    return candidates.earlier_scenes(Run(pk=NOBODY, team_id=base.team_id), wanted, known, at)


def _servers(ids: list[int]) -> dict[int, dict[int, str]]:
    """Return the servers that each run was on, by name."""
    told: defaultdict[int, dict[int, str]] = defaultdict(dict)
    found = RunServer.objects.filter(run__in=ids).order_by("server__name")
    for run, server, name in found.values_list("run", "server", "server__name"):
        told[run][server] = name
    return told


def _environments(servers: dict[int, dict[int, str]]) -> dict[int, list[Environment]]:
    """Return what the servers ran on, newest first."""
    told: defaultdict[int, list[Environment]] = defaultdict(list)
    wanted = {pk for one in servers.values() for pk in one}
    found = Environment.objects.filter(server__in=wanted).defer("devices").order_by("-since")
    for environment in found[:ENVIRONMENTS]:
        told[environment.server_id].append(environment)
    return told
