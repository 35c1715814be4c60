"""The baseline of a run or scene: which earlier work is fair to compare it with. Pure.

Candidates pass the refusals first; those that remain are of the same kind of work, on the same GPU
model, cold or warm alike. The narrowest rung of the ladder that holds enough of them makes the
baseline, and what was left out is counted with its reason.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, log
from statistics import median

from history.baseline.work import DURATION, Metric, Warmth, Work

# The last so many runs make a baseline: what was usual lately, not ever.
SIZE = 20
# Below it nothing is asserted.
ENOUGH = 5
# Work that is larger or smaller than this is not scaled: loading and decoding do not grow along.
FARTHEST_SCALE = 2.0
# How wrong a scaled time may be, per e-fold of scaling (docs/statistics.md).
SCALE_ERROR = 0.3


class Rung(StrEnum):
    """How much alike a baseline's work is, narrowest first."""

    EXACT = "the same work"
    SCALED = "the same work at other places of a run or in other sizes, scaled"
    FAMILY = "similar work with other models or samplers"
    NONE = "nothing to compare with"


class Reason(StrEnum):
    """Why work is not in a baseline, in words that follow a number."""

    ITSELF = "this one itself"
    UNFINISHED = "not finished, or without an end on record"
    LATER = "ended later"
    ARCHIVED = "archived"
    OUTCOME = "did not complete"
    CACHED = "came out of the cache"
    NO_VALUE = "without a figure on record"
    OTHER_WORK = "other work"
    OTHER_GPU = "on another GPU model"
    OTHER_WARMTH = "cold where this was warm or the reverse, or not known"
    TOO_FAR = "too different in size"
    WIDER = "less alike than needed"
    OLDER = "older than needed"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What earlier work took, oldest first, and how that was chosen.

    `values` are in the metric's unit, scaled to the size of the work where the rung says so;
    `allowance` is then how wrong the scaling may be, as a log ratio. `left_out` counts by reason.
    """

    rung: Rung = Rung.NONE
    values: tuple[float, ...] = ()
    ids: tuple[object, ...] = ()
    left_out: dict[Reason, int] = field(default_factory=dict)
    allowance: float = 0.0

    @property
    def n(self) -> int:
        """Return how many values it has."""
        return len(self.values)

    @property
    def judges(self) -> bool:
        """Say whether a verdict may rest on it: similar work is context and no more."""
        return self.rung in (Rung.EXACT, Rung.SCALED)

    @property
    def median(self) -> float | None:
        """Return the median of its values."""
        return median(self.values) if self.values else None

    @property
    def mad(self) -> float | None:
        """Return the median absolute deviation from the median, not scaled to anything."""
        middle = self.median
        return None if middle is None else median(abs(value - middle) for value in self.values)

    def sentence(self) -> str:
        """Say in a sentence what it is compared with, and what was left out."""
        compared = f"Compared with {self.rung.value} (n = {self.n})" if self.n else "Not compared"
        reasons = ", ".join(f"{count:,} {reason.value}" for reason, count in self.left_out.items())
        return f"{compared}; left out: {reasons}." if reasons else f"{compared}."


def find_baseline(
    work: Work, earlier: Iterable[Work], metric: Metric = DURATION, size: int = SIZE
) -> Baseline:
    """Return the baseline of work: the last `size` of the narrowest rung that holds enough."""
    fit: list[tuple[Work, Rung]] = []
    left_out: Counter[Reason] = Counter()
    for other in earlier:
        reason = refusal(work, other, metric)
        if reason is None:
            fit.append((other, rung_of(work, other)))
        else:
            left_out[reason] += 1
    return _chosen(work, sorted(fit, key=_age), left_out, size)


def refusal(work: Work, other: Work, metric: Metric = DURATION) -> Reason | None:
    """Return why other work is not to be compared with this, None if it is."""
    if not _is_plain(work, other):
        for reason, applies in REFUSALS:
            if applies(work, other):
                return reason
    if other.outcome not in metric.outcomes:
        return Reason.OUTCOME
    return None if other.value is not None and 0 < other.value < inf else Reason.NO_VALUE


def rung_of(work: Work, other: Work) -> Rung:
    """Return the narrowest rung on which other work stands that is not refused."""
    for rung, holds in RUNGS:
        if holds(work, other):
            return rung
    return Rung.NONE


def _is_plain(work: Work, other: Work) -> bool:
    """Say of most work at once that none of REFUSALS applies: a page asks some thousand times."""
    mine = work.fingerprint
    return (
        other.fingerprint is mine
        and mine.workload is not None
        and other.ended_at is not None
        and other.outcome is not None
        and (work.ended_at is None or other.ended_at < work.ended_at)
        and not (other.archived or other.cached)
        and other.gpu == work.gpu
        and other.warmth is work.warmth
        and (other.position == work.position or work.warmth is not Warmth.UNKNOWN)
        and other.id != work.id
    )


# --- refusals and rungs --------------------------------------------------------------------------

Question = Callable[[Work, Work], bool]


def _is_later(work: Work, other: Work) -> bool:
    if work.ended_at is None or other.ended_at is None:
        return False
    return other.ended_at >= work.ended_at


def _is_other_work(work: Work, other: Work) -> bool:
    mine, theirs = work.fingerprint, other.fingerprint
    same = mine.workload is not None and mine.workload == theirs.workload
    return not same and (mine.family is None or mine.family != theirs.family)


def _is_too_far(work: Work, other: Work) -> bool:
    scale = scale_of(work, other)
    return scale is not None and not 1 / FARTHEST_SCALE <= scale <= FARTHEST_SCALE


def _stand_in(work: Work) -> int | None:
    """Return the place of a scene of which nobody knows whether it was warm: it must be the same.

    The first scene of a run loads the models, and the next may load others.
    """
    return work.position if work.warmth is Warmth.UNKNOWN else None


REFUSALS: tuple[tuple[Reason, Question], ...] = (
    (Reason.ITSELF, lambda work, other: other.id == work.id),
    (Reason.UNFINISHED, lambda work, other: other.outcome is None or other.ended_at is None),
    (Reason.LATER, _is_later),
    (Reason.ARCHIVED, lambda work, other: other.archived),
    (Reason.CACHED, lambda work, other: other.cached),
    (Reason.OTHER_WORK, _is_other_work),
    (Reason.OTHER_GPU, lambda work, other: other.gpu != work.gpu),
    (Reason.OTHER_WARMTH, lambda work, other: other.warmth != work.warmth),
    (Reason.OTHER_WARMTH, lambda work, other: _stand_in(other) != _stand_in(work)),
    (Reason.TOO_FAR, _is_too_far),
)


def _is_same(work: Work, other: Work) -> bool:
    return (
        work.fingerprint.workload == other.fingerprint.workload and work.position == other.position
    )


def _is_scaled(work: Work, other: Work) -> bool:
    mine, theirs = work.fingerprint, other.fingerprint
    alike = (mine.models, mine.samplers) == (theirs.models, theirs.samplers)
    return alike and scale_of(work, other) is not None


RUNGS: tuple[tuple[Rung, Question], ...] = (
    (Rung.EXACT, _is_same),
    (Rung.SCALED, _is_scaled),
    (Rung.FAMILY, lambda work, other: True),
)


def scale_of(work: Work, other: Work) -> float | None:
    """Return how many times as large work is as other work, None where nobody can tell."""
    if work.fingerprint.workload == other.fingerprint.workload:
        return 1.0
    mine, theirs = work.fingerprint.drivers.cost, other.fingerprint.drivers.cost
    return None if mine is None or theirs is None else mine / theirs


# --- choosing ------------------------------------------------------------------------------------

# In this order the first rung with so many values is taken; each holds the narrower ones.
_WIDTH = {Rung.EXACT: 0, Rung.SCALED: 1, Rung.FAMILY: 2}
_CHOICES = (
    (Rung.EXACT, ENOUGH),
    (Rung.SCALED, ENOUGH),
    (Rung.EXACT, 1),
    (Rung.SCALED, 1),
    (Rung.FAMILY, 1),
)


def _age(fit: tuple[Work, Rung]) -> tuple[float, str]:
    ended_at = fit[0].ended_at
    return (ended_at.timestamp() if ended_at else 0.0), str(fit[0].id)


def _chosen(
    work: Work, fit: list[tuple[Work, Rung]], left_out: Counter[Reason], size: int
) -> Baseline:
    for rung, needed in _CHOICES:
        members = [other for other, own in fit if _WIDTH[own] <= _WIDTH[rung]]
        if len(members) >= needed:
            left_out[Reason.WIDER] = len(fit) - len(members)
            left_out[Reason.OLDER] = max(0, len(members) - size)
            return _baseline(work, rung, members[-size:], +left_out)
    return Baseline(left_out=dict(+left_out))


def _baseline(work: Work, rung: Rung, members: list[Work], left_out: Counter[Reason]) -> Baseline:
    scales = [scale_of(work, other) or 1.0 if rung is Rung.SCALED else 1.0 for other in members]
    return Baseline(
        rung,
        tuple((other.value or 0.0) * scale for other, scale in zip(members, scales, strict=True)),
        tuple(other.id for other in members),
        dict(left_out),
        SCALE_ERROR * median(abs(log(scale)) for scale in scales),
    )
