"""Earlier work as baselines see it, read from the record: runs, and scenes by what they are like.

A query reads the last so many scenes of each kind (workload, GPU model, who timed it) by one index,
whatever the number of kinds. Never those of the run that is judged.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from history.baseline.fingerprint import Drivers, Fingerprint
from history.baseline.work import Warmth, Work
from history.models import Run, Scene, Workload
from history.words import Timer
from telemetry.words import Outcome

# Runs are of several GPUs and sizes: so many are looked at to find twenty that are alike.
RUNS = 120
# Scenes at each place of a run: twenty-eight for a trend, the rest for those that are refused.
PER_PLACE, FEWEST, MOST = 40, 200, 2500
# A statement for each kind would be long; a run of more kinds has none in common with others.
KINDS = 60
SIBLINGS = 12
# What columns hold; a page asks for thousands.
OUTCOMES: dict[str | None, Outcome | None] = {None: None, **{one.value: one for one in Outcome}}
WARMTHS = {one.value: one for one in Warmth}


class Kind(NamedTuple):
    """Scenes that may be compared: of one workload, on one GPU model, timed by the same."""

    workload: str
    gpu: str | None
    timed_by: str | None


# --- runs -----------------------------------------------------------------------------------------


def work_of_run(run: Run) -> Work:
    """Return a run as baselines see it: compared by the time of its scenes together.

    One that did not complete has no figure: a short time would be no good news.
    """
    complete = run.outcome == Outcome.SUCCESS
    return Work(
        id=run.pk,
        fingerprint=_run_fingerprint(run.work, run.workload, run.scene_count),
        value=run.work_s if complete else None,
        ended_at=over_at(run),
        outcome=OUTCOMES[run.outcome],
        gpu=run.gpu_model,
        archived=run.archived_at is not None,
        cached=run.cached_count > 0,
    )


def over_at(done: Run | Scene) -> datetime | None:
    """Return when a run or scene was over, None while it goes on.

    Files may tell how something ended and how long it took, but not when: then its begin stands for
    that. What began earlier is earlier work, whenever it ended.
    """
    if done.open_count:
        return None
    return done.ended_at or (done.began_at if done.outcome else None)


@lru_cache(maxsize=1024)
def _run_fingerprint(work: str | None, workload: str | None, count: int) -> Fingerprint:
    """Return what a run is: its scenes' workloads; of one workload its size is their number."""
    if workload is None:
        return Fingerprint(work)
    return Fingerprint(work, workload, Drivers(steps=1, width=1000, height=1000, batch=count))


# What is asked of earlier runs, here and by who shows them.
OF_EARLIER = (
    *("team", "source", "external_id", "story_id", "title", "work", "workload", "gpu_model"),
    *("began_at", "ended_at", "outcome", "work_s", "success_rate", "archived_at", "policy"),
    *("scene_count", "open_count", "success_count", "skipped_count", "timeout_count"),
    *("partial_count", "failed_count", "cancelled_count", "lost_count"),
    "cached_count",
)


def earlier_runs(run: Run) -> list[Run]:
    """Return the last runs that began before a run, of its work or of its scenes' one workload."""
    if run.work is None:
        return []
    alike = Q(workload=run.workload) if run.workload else Q(work=run.work)
    earlier = Run.objects.kept().filter(alike, team=run.team_id, began_at__lte=run.began_at)
    return list(earlier.exclude(pk=run.pk).order_by("-began_at").only(*OF_EARLIER)[:RUNS])


# Of lists: so many of each kind of run before the newest one that is shown. A list counts no
# reasons, so what the ladder would refuse for its GPU or outcome is not read at all.
LISTED = 30
LAST_RUNS = """SELECT * FROM (
    SELECT {place}, id, work, workload, scene_count, work_s, {ended_at}, gpu_model,
        archived_at IS NOT NULL, cached_count
    FROM history_run
    WHERE team_id = %s AND {kind} = %s AND began_at <= %s AND outcome = 'success'
        AND gpu_model {gpu} AND deleted_at IS NULL
    ORDER BY began_at DESC LIMIT %s
) k{place}"""


def earlier_of_runs(runs: Iterable[Run]) -> dict[int, list[Work]]:
    """Return for each of a list's runs the last ones before it that are like it; one query."""
    kinds: defaultdict[tuple[str, str, str | None], list[Run]] = defaultdict(list)
    for run in runs:
        if run.work:
            kind = ("workload", run.workload) if run.workload else ("work", run.work)
            kinds[(*kind, run.gpu_model)].append(run)
    if not kinds:
        return {}
    parts, parameters = [], []
    for place, ((column, digest, gpu), members) in enumerate(kinds.items()):
        is_gpu = "IS NULL" if gpu is None else "= %s"
        ended_at = _seconds("COALESCE(ended_at, began_at)")
        parts.append(LAST_RUNS.format(kind=column, gpu=is_gpu, place=place, ended_at=ended_at))
        newest = max(run.began_at for run in members)
        told = [] if gpu is None else [gpu]
        parameters += [members[0].team_id, digest, _at(newest), *told, LISTED + len(members)]
    found: defaultdict[int, list[Work]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        for place, *row in cursor.fetchall():
            found[place].append(_listed(row))
    return {run.pk: found[n] for n, members in enumerate(kinds.values()) for run in members}


def _listed(row: list[Any]) -> Work:
    pk, work, workload, count, value, ended_at, gpu, archived, cached = row
    return Work(
        id=pk,
        fingerprint=_run_fingerprint(work, workload, count),
        value=value,
        ended_at=_time(ended_at),
        outcome=Outcome.SUCCESS,
        gpu=gpu,
        archived=bool(archived),
        cached=cached > 0,
    )


# --- scenes ---------------------------------------------------------------------------------------

COLUMNS = """s.id, s.workload, s.gpu_model, s.position, s.warmth, s.cached, s.duration_s,
    {ended_at}, s.outcome, r.open_count, r.archived_at IS NOT NULL, s.timed_by"""
LAST = """SELECT * FROM (
    SELECT {columns} FROM history_scene s JOIN history_run r ON r.id = s.run_id
    WHERE s.team_id = %s AND s.workload = %s AND s.gpu_model {gpu} AND {among} s.{over} < %s
        AND s.timed_by = %s AND s.run_id <> %s AND r.deleted_at IS NULL
    ORDER BY s.{over} DESC LIMIT %s
) k{place}"""
# By which column a scene is earlier. Of those that a script timed the end may not be told.
ENDED = ("ended_at", "")
UNTOLD = ("began_at", "s.ended_at IS NULL AND s.outcome IS NOT NULL AND")


def kind_of(scene: Scene) -> Kind | None:
    """Return the kind of a scene, None where nobody knows what it was."""
    return Kind(scene.workload, scene.gpu_model, scene.timed_by) if scene.workload else None


def fingerprints(digests: Iterable[str]) -> dict[str, Fingerprint]:
    """Return what is on record of workloads; one that only has a name is no more than that."""
    wanted = set(digests)
    known = {row.digest: row.fingerprint for row in Workload.objects.filter(digest__in=wanted)}
    return {digest: known.get(digest, Fingerprint(digest)) for digest in wanted}


def siblings(kinds: Iterable[Kind], known: Mapping[str, Fingerprint]) -> list[Workload]:
    """Return the newest other workloads of the same families."""
    families = {known[kind.workload].family for kind in kinds} - {None}
    if not families:
        return []
    rows = Workload.objects.filter(family__in=families).exclude(digest__in=known)
    return list(rows.order_by("-first_seen_at")[:SIBLINGS])


def work_of_scene(scene: Scene, known: Mapping[str, Fingerprint], archived: bool) -> Work:
    """Return a scene as baselines see it; one that did not complete, or goes on, has no figure."""
    complete = scene.outcome == Outcome.SUCCESS and not scene.open_count
    return Work(
        id=scene.pk,
        fingerprint=known.get(scene.workload or "", Fingerprint()),
        value=scene.duration_s if complete else None,
        ended_at=over_at(scene),
        outcome=OUTCOMES[scene.outcome],
        gpu=scene.gpu_model,
        warmth=WARMTHS[scene.warmth],
        position=scene.position,
        archived=archived,
        cached=scene.cached,
    )


def earlier_scenes(
    run: Run, kinds: Mapping[Kind, int], known: Mapping[str, Fingerprint], before: datetime
) -> dict[Kind, list[Work]]:
    """Return the last scenes of other runs of each kind, given with how many scenes it has here."""
    told: dict[Kind, list[Work]] = {kind: [] for kind in kinds}
    wanted = list(kinds.items())[:KINDS]
    if not wanted:
        return told
    parts: list[str] = []
    parameters: list[Any] = []
    for kind, count in wanted:
        most = min(MOST, max(FEWEST, PER_PLACE * count))
        gpu = [] if kind.gpu is None else [kind.gpu]
        for which in (ENDED, UNTOLD) if kind.timed_by == Timer.SCRIPT else (ENDED,):
            parts.append(_last(kind, *which, place=len(parts)))
            parameters += [run.team_id, kind.workload, *gpu, _at(before)]
            parameters += [kind.timed_by, run.pk, most]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        for row in cursor.fetchall():
            told[Kind(row[1], row[2], row[11])].append(_work(row, known))
    for kind, works in told.items():
        if kind.timed_by == Timer.SCRIPT:
            works.sort(key=_newest_first)
    return told


def _last(kind: Kind, over: str, among: str, place: int) -> str:
    """Return what asks for the last scenes of a kind by the column that says when they were."""
    is_gpu = "IS NULL" if kind.gpu is None else "= %s"
    columns = COLUMNS.format(ended_at=_seconds(f"s.{over}"))
    return LAST.format(columns=columns, gpu=is_gpu, among=among, over=over, place=place)


def _newest_first(work: Work) -> float:
    return -work.ended_at.timestamp() if work.ended_at else 0.0


def _work(row: Any, known: Mapping[str, Fingerprint]) -> Work:
    pk, workload, gpu, position, warmth, cached, value, ended_at, outcome, is_open, archived = row[
        :11
    ]
    return Work(
        id=pk,
        fingerprint=known[workload],
        value=value,
        ended_at=None if is_open else _time(ended_at),
        outcome=OUTCOMES[outcome],
        gpu=gpu,
        warmth=WARMTHS[warmth],
        position=position,
        archived=bool(archived),
        cached=bool(cached),
    )


def _at(at: datetime) -> Any:
    """Return a time as SQLite's text compares."""
    is_text = connection.vendor == "sqlite"
    return connection.ops.adapt_datetimefield_value(at) if is_text else at


def _seconds(column: str) -> str:
    """Return what asks for a time: on PostgreSQL as a number, on SQLite as its text.

    To read a time as such takes either driver longer than all else of a row.
    """
    is_text = connection.vendor == "sqlite"
    return f"{column} || ''" if is_text else f"EXTRACT(EPOCH FROM {column})::float8"


def _time(told: str | float | None) -> datetime | None:
    """Return a time from what the database told of it, aware."""
    if isinstance(told, str):
        return datetime.fromisoformat(told).replace(tzinfo=UTC)
    return None if told is None else datetime.fromtimestamp(told, UTC)
