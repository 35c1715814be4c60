"""A run, and its scenes, against their baselines: at most five queries, however many scenes.

run    the last runs of its work
scenes what their workloads ask; the last scenes alike; where those do not suffice, the
       workloads of the same family and their last scenes
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from history.baseline.fingerprint import Fingerprint
from history.baseline.ladder import ENOUGH, SIZE, Baseline, Reason, Rung, find_baseline
from history.baseline.work import Warmth, Work
from history.judged import candidates as read
from history.models import Run, Scene, Workload
from telemetry.words import Outcome

if TYPE_CHECKING:
    # Here, for they load numpy.
    from history.baseline.standing import Deviation
    from history.baseline.verdict import Judgement

# A trend sets so many against those before them (history/baseline/verdict.py, which needs numpy).
RECENT = 8
# Where a place of a run has too few of its like: so many from other places are looked at.
ELSEWHERE = 100


@dataclass(slots=True)
class Judged:
    """Work, its baseline, how it stands against it, and where the work is going.

    `baseline` holds the last SIZE; the trend looks at RECENT more, this one included. `history` is
    what the trend is of, from old to new.
    """

    work: Work
    baseline: Baseline
    history: tuple[float, ...] = ()
    deviation: "Deviation | None" = None
    trend: "Judgement | None" = None


@dataclass(slots=True)
class JudgedRun:
    """A run and its scenes, judged; `earlier` are the runs that its baseline was chosen from."""

    run: Judged
    scenes: dict[int, Judged] = field(default_factory=dict)
    earlier: list[Run] = field(default_factory=list)


def judge_run(run: Run, scenes: Sequence[Scene], at: datetime) -> JudgedRun:
    """Judge a run and these scenes of it, as it is at a time; one that goes on by its scenes."""
    earlier = read.earlier_runs(run)
    work = read.work_of_run(run)
    own = _judged(work, [read.work_of_run(other) for other in earlier])
    judged = judge_scenes(run, scenes, at)
    _assess([own, *judged.values()])
    return JudgedRun(own, judged, earlier)


def judge_scene(scene: Scene, at: datetime) -> Judged:
    """Judge one scene, as it is at a time; its `run` is loaded."""
    judged = judge_scenes(scene.run, [scene], at)[scene.pk]
    _assess([judged])
    return judged


def judge_runs(runs: Sequence[Run]) -> dict[int, Judged]:
    """Judge a list's runs that completed, each against those before it; one query."""
    complete = [run for run in runs if run.outcome == Outcome.SUCCESS]
    earlier = read.earlier_of_runs(complete)
    judged = {run.pk: _judged(read.work_of_run(run), earlier.get(run.pk, [])) for run in complete}
    _assess(list(judged.values()), trends=False)
    return judged


def judge_scenes(run: Run, scenes: Sequence[Scene], at: datetime) -> dict[int, Judged]:
    """Return scenes of a run with their baselines, by primary key; not assessed yet."""
    kinds = Counter(kind for scene in scenes if (kind := read.kind_of(scene)) is not None)
    known = read.fingerprints(kind.workload for kind in kinds) if kinds else {}
    before = read.over_at(run) or at
    found = read.earlier_scenes(run, kinds, known, before)
    lookup = {kind: _ByPlace(works) for kind, works in found.items()}
    judged = {}
    for scene in scenes:
        work = read.work_of_scene(scene, known, run.archived_at is not None)
        kind = read.kind_of(scene)
        judged[scene.pk] = _of_place(work, lookup[kind]) if kind else Judged(work, Baseline())
    _widen(run, judged, {s.pk: read.kind_of(s) for s in scenes}, lookup, known, before)
    return judged


class _ByPlace:
    """Scenes of a kind, and those of them at one place of a run."""

    def __init__(self, works: list[Work]) -> None:
        self._newest = works[:ELSEWHERE]  # they come newest first
        self.at: defaultdict[int | None, list[Work]] = defaultdict(list)
        for work in works:
            self.at[work.position].append(work)

    def around(self, position: int | None) -> list[Work]:
        """Return those at a place, and the newest at others."""
        others = [work for work in self._newest if work.position != position]
        return [*self.at[position], *others]


Lookup = dict[read.Kind, _ByPlace]


def _of_place(work: Work, alike: _ByPlace) -> Judged:
    """Judge by the same place where that suffices: the exact rung asks for no other.

    Nor may anything else do where nobody knows what was warm.
    """
    judged = _judged(work, alike.at[work.position])
    suffices = judged.baseline.rung is Rung.EXACT and judged.baseline.n >= ENOUGH
    if suffices or work.warmth is Warmth.UNKNOWN:
        return judged
    return _judged(work, alike.around(work.position))


def _widen(
    run: Run,
    judged: dict[int, Judged],
    kinds: Mapping[int, read.Kind | None],
    lookup: Lookup,
    known: dict[str, Fingerprint],
    before: datetime,
) -> None:
    """Judge by the family what has too little of its own; that asks the record twice more."""
    short = {
        pk: kind
        for pk, kind in kinds.items()
        if kind is not None and judged[pk].baseline.n < ENOUGH
    }
    others = read.siblings(set(short.values()), known)
    if not others:
        return
    known.update({other.digest: other.fingerprint for other in others})
    found = read.earlier_scenes(run, _of_family(set(short.values()), others, known), known, before)
    for pk, kind in short.items():
        more = [work for other, works in found.items() if other[1:] == kind[1:] for work in works]
        judged[pk] = _judged(
            judged[pk].work, [*lookup[kind].around(judged[pk].work.position), *more]
        )


def _of_family(
    short: set[read.Kind], others: Sequence[Workload], known: Mapping[str, Fingerprint]
) -> Counter[read.Kind]:
    return Counter(
        read.Kind(other.digest, kind.gpu, kind.timed_by)
        for kind in sorted(short, key=str)
        for other in others
        if other.family == known[kind.workload].family
    )


def _judged(work: Work, earlier: list[Work]) -> Judged:
    wide = find_baseline(work, earlier, size=SIZE + RECENT - 1)
    return Judged(work, _narrowed(wide), wide.values)


def _narrowed(wide: Baseline) -> Baseline:
    """Return the last SIZE of a baseline; what is cut off is older than needed."""
    more = max(0, wide.n - SIZE)
    older = Counter(wide.left_out) + Counter({Reason.OLDER: more})
    return replace(wide, values=wide.values[more:], ids=wide.ids[more:], left_out=dict(+older))


def _assess(judged: Sequence[Judged], trends: bool = True) -> None:
    """Say of each how it stands and where it goes."""
    # Here, for they load numpy.
    from history.baseline.standing import deviations_of
    from history.baseline.verdict import Rules, judge_all, split

    of_allowance: defaultdict[float, list[Judged]] = defaultdict(list)
    found = deviations_of([(one.work.value, one.baseline) for one in judged])
    for one, deviation in zip(judged, found, strict=True):
        one.deviation = deviation
        if trends and one.baseline.judges and one.work.value is not None:
            of_allowance[one.baseline.allowance].append(one)
    for allowance, some in of_allowance.items():
        pairs = [split((*one.history, one.work.value)) for one in some]
        for one, trend in zip(some, judge_all(pairs, Rules(allowance=allowance)), strict=True):
            one.trend = trend
