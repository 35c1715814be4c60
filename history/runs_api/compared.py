"""What a run or scene is set against, and how it stands: the shapes, and how they are filled.

Signs: of durations negative is faster, of success and free memory positive is better.
"""

from datetime import datetime
from typing import Self

from pydantic import Field

from history.judged.judging import Judged
from history.runs_api.units import count, milliseconds, of_bytes, percent, points, ratio, seconds
from telemetry.api_shapes import Shape

FASTER = "Sign: negative is faster, positive is slower."
BETTER = "Sign: positive is better, negative is worse."
CONFIDENCE = "How sure what is asserted is, 0 to 99; Low under five earlier runs."


class BaselineOut(Shape):
    """The earlier work that this is compared with; the narrowest rung that holds enough."""

    n: int = count("Earlier runs, or scenes, that it rests on.")
    rung: str = Field(description="How like they are; empty where there are none.")
    median_s: float | None = seconds("Their median.")
    usual_low_s: float | None = seconds("What takes less is not as usual.")
    usual_high_s: float | None = seconds("What takes longer is not as usual.")
    sentence: str = Field(description="What was compared with, what left out, and why.")
    oldest_at: datetime | None = Field(None, description="When the first of these runs began.")
    newest_at: datetime | None = Field(None, description="When the last of these runs began.")


class DeltaMetrics(Shape):
    """The difference from the baseline; null where nothing may be said.

    `standing`: as usual, better than usual, worse than usual, unclear, cannot be compared.
    """

    standing: str
    duration_delta_ms: float | None = milliseconds(f"Less the baseline's median. {FASTER}")
    duration_delta_percent: float | None = percent(f"The same, of the median. {FASTER}")
    confidence_percent: int = percent(CONFIDENCE)
    confidence: str = Field(description="The same in a word: Low, Medium, High.")
    why: str | None = Field(description="Why nothing is asserted.")


class TrendOut(Shape):
    """Where this work is going: the last runs, this one included, against those before them.

    `verdict`: improving, degrading, stable, unclear, cannot be compared.
    """

    verdict: str
    n: int = count("Runs before the last ones.")
    recent_n: int = count("The last runs.")
    duration_change_percent: float | None = percent(f"Shift of the last runs. {FASTER}")
    duration_change_low_percent: float | None = percent(f"Low end of its 99 % interval. {FASTER}")
    duration_change_high_percent: float | None = percent(f"High end of it. {FASTER}")
    confidence_percent: int = percent(CONFIDENCE)
    confidence: str
    why: str | None

    @classmethod
    def of(cls, judged: Judged) -> Self | None:
        """Return the trend of work; None where there is none."""
        trend = judged.trend
        if trend is None:
            return None
        return cls(
            verdict=str(trend.verdict),
            n=trend.n,
            recent_n=trend.recent,
            duration_change_percent=_percent(trend.change),
            duration_change_low_percent=_percent(trend.low),
            duration_change_high_percent=_percent(trend.high),
            confidence_percent=trend.confidence,
            confidence=str(trend.level),
            why=str(trend.why) if trend.why else None,
        )


class Comparison(Shape):
    """Work against its baseline. Durations are those of completed work alone."""

    baseline: BaselineOut
    delta: DeltaMetrics
    trend: TrendOut | None

    @classmethod
    def of(cls, judged: Judged, began: tuple[datetime, datetime] | None = None) -> Self:
        """Return how work stands; `began` is when the first and last of its baseline did."""
        return cls(
            baseline=_baseline(judged, began), delta=_delta(judged), trend=TrendOut.of(judged)
        )


class SuccessDelta(Shape):
    """A run's success rate against the earlier runs of the same work."""

    success_rate_before: float | None = ratio("Of the earlier runs' scenes that were not skipped.")
    scene_n: int = count("Those scenes.")
    run_n: int = count("Those runs.")
    success_rate_delta_points: float | None = points(f"The run's less the earlier. {BETTER}")
    verdict: str
    confidence_percent: int = percent(CONFIDENCE)
    confidence: str
    why: str | None


class MemoryDelta(Shape):
    """The least free memory of a run against that of its baseline; there is no verdict on it."""

    n: int = count("Runs of the baseline of which it is known.")
    vram_free_lowest_median_bytes: int | None = of_bytes("Their median.")
    vram_free_lowest_delta_bytes: int | None = of_bytes(
        "The run's less that. Sign: positive is more free memory."
    )


class RunComparison(Comparison):
    """A run against its baseline: time of its scenes together, success, memory."""

    success: SuccessDelta | None
    memory: MemoryDelta | None


def _baseline(judged: Judged, began: tuple[datetime, datetime] | None) -> BaselineOut:
    baseline, deviation = judged.baseline, judged.deviation
    oldest_at, newest_at = began or (None, None)
    return BaselineOut(
        n=baseline.n,
        rung=baseline.rung.value if baseline.n else "",
        median_s=baseline.median,
        usual_low_s=deviation.low if deviation and baseline.judges else None,
        usual_high_s=deviation.high if deviation and baseline.judges else None,
        sentence=baseline.sentence(),
        oldest_at=oldest_at,
        newest_at=newest_at,
    )


def _delta(judged: Judged) -> DeltaMetrics:
    deviation = judged.deviation
    told = deviation if deviation is not None and judged.baseline.judges else None
    return DeltaMetrics(
        standing=str(deviation.standing) if deviation else "cannot be compared",
        duration_delta_ms=None if told is None or told.delta is None else 1000 * told.delta,
        duration_delta_percent=_percent(told.change) if told else None,
        confidence_percent=deviation.confidence if deviation else 0,
        confidence=str(deviation.level) if deviation else "Low",
        why=str(deviation.why) if deviation and deviation.why else None,
    )


def _percent(change: float | None) -> float | None:
    return None if change is None else 100 * change
