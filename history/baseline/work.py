"""What baselines see of a run or a scene, and in which figure it is compared. Pure."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime

from history.baseline.fingerprint import Fingerprint, Model
from history.words import Warmth
from telemetry.words import Outcome

__all__ = ["DURATION", "PEAK_MEMORY", "Metric", "Warmth", "Work", "warmth_of"]


@dataclass(frozen=True, slots=True)
class Work:
    """One run or one scene.

    `value` is the figure that is compared, in the metric's unit, None where it is not on record.
    `ended_at` is when it was over, None while it goes on; its begin where no file told its end.
    `gpu` is the model of the card, None where nobody told; `position` a scene's place in its run,
    from 0, None of a run. `cached` says that nothing of it was worked out anew.
    """

    id: Hashable
    fingerprint: Fingerprint
    value: float | None
    ended_at: datetime | None
    outcome: Outcome | None
    gpu: str | None = None
    warmth: Warmth = Warmth.UNKNOWN
    position: int | None = None
    archived: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, which way is better, and of which outcomes it says anything.

    The time of a scene that failed says nothing of how long the work takes.
    """

    name: str
    unit: str
    less_is_better: bool
    outcomes: frozenset[Outcome]


_COMPLETED = frozenset({Outcome.SUCCESS})
DURATION = Metric("duration", "s", True, _COMPLETED)
PEAK_MEMORY = Metric("peak memory", "bytes", True, _COMPLETED)


def warmth_of(
    models: tuple[Model, ...], before: tuple[Model, ...] | None, restarted: bool
) -> Warmth:
    """Say whether work began warm, from the models of what its server did before.

    Cold: first after a restart, or some of its models were not in use just before. Without word of
    what was before, nobody knows. Work without models is never cold.
    """
    if not models:
        return Warmth.WARM
    if restarted:
        return Warmth.COLD
    if before is None:
        return Warmth.UNKNOWN
    return Warmth.WARM if set(models) <= set(before) else Warmth.COLD
