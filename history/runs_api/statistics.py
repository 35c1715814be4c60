"""The figures of the runs that are asked for."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from pydantic import Field

from history.explore.figures import MOST, Figures
from history.runs_api.units import count, ratio, seconds
from telemetry.api_shapes import Shape

if TYPE_CHECKING:
    # Here, for they load numpy.
    from history.baseline.summary import Summary


class DurationFigures(Shape):
    """Durations of finished runs; null where there are none. Percentiles are interpolated."""

    n: int = count("Finished runs whose duration is known.")
    missing: int = count("Finished runs whose duration is not known.")
    mean_s: float | None = seconds("Mean.")
    median_s: float | None = seconds("Median.")
    p90_s: float | None = seconds("90th percentile.")
    p95_s: float | None = seconds("95th percentile.")
    min_s: float | None = seconds("The shortest.")
    max_s: float | None = seconds("The longest.")
    sd_s: float | None = seconds("Standard deviation of a sample (n - 1); null below two.")
    population_sd_s: float | None = seconds("Standard deviation of just these (n).")

    @classmethod
    def of(cls, summary: "Summary") -> Self:
        """Return figures in seconds."""
        return cls(
            n=summary.n,
            missing=summary.missing,
            mean_s=summary.mean,
            median_s=summary.median,
            p90_s=summary.p90,
            p95_s=summary.p95,
            min_s=summary.minimum,
            max_s=summary.maximum,
            sd_s=summary.sd,
            population_sd_s=summary.population_sd,
        )


class SuccessFigures(Shape):
    """The share of scenes that completed, of those that were tried, and Wilson's interval."""

    success_count: int = count("Scenes that completed.")
    tried_count: int = count("Scenes that are over, but for the skipped: as in each run's rate.")
    success_rate: float | None = ratio("The first of the second; null where none was tried.")
    low_rate: float | None = ratio("Low end of the 95 % interval.")
    high_rate: float | None = ratio("High end of the 95 % interval.")


class RunStatistics(Shape):
    """What the runs come to that are asked for; `is_part` says that there are older ones too."""

    run_count: int = count("Runs.")
    scene_count: int = count("Their scenes.")
    is_part: bool = Field(description=f"Of more than {MOST:,} runs these are the newest.")
    by_status: dict[str, int] = count("Runs of each status, by its name on the page.")
    duration: DurationFigures = Field(description="From first start to last end of each run.")
    work: DurationFigures = Field(description="The scenes of each run together.")
    success: SuccessFigures
    oldest_at: datetime | None = Field(description="When the oldest of them began.")
    newest_at: datetime | None = Field(description="When the newest of them began.")

    @classmethod
    def of(cls, figures: Figures) -> Self:
        """Return figures as the API tells them."""
        rate = figures.success
        return cls(
            run_count=figures.runs,
            scene_count=figures.scenes,
            is_part=figures.is_part,
            by_status=figures.by_status,
            duration=DurationFigures.of(figures.duration_s),
            work=DurationFigures.of(figures.work_s),
            success=SuccessFigures(
                success_count=rate.successes,
                tried_count=rate.n,
                success_rate=rate.share,
                low_rate=rate.low,
                high_rate=rate.high,
            ),
            oldest_at=figures.oldest_at,
            newest_at=figures.newest_at,
        )
