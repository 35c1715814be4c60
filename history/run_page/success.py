"""A run's success rate against that of the earlier runs of its work. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from history.baseline.confidence import level_of
from history.models import Run
from history.run_charts.reading import alike, rated

if TYPE_CHECKING:
    # Here, for it loads numpy.
    from history.baseline.proportions import Rate, RateJudgement


@dataclass(frozen=True, slots=True)
class Success:
    """A run's success rate against the earlier runs of its work, and their own rate."""

    judged: "RateJudgement"
    usual: "Rate"
    runs: list[Run]

    @property
    def level(self) -> str:
        """Return how sure it is, "" where nothing is asserted.

        Scenes of one run fail together: what is known rests on runs, not on how many scenes.
        """
        return "" if self.judged.why else str(level_of(self.judged.confidence, len(self.runs)))


def success_of(run: Run, earlier: list[Run]) -> Success | None:
    """Return a run's success against that of these earlier runs; None where nothing was tried."""
    from history.baseline.proportions import judge_rates, rate

    tried = run.scene_count - run.skipped_count
    if run.success_rate is None or not tried:
        return None
    runs = rated(alike(run, earlier))
    before = (
        sum(run.success_count for run in runs),
        sum(run.scene_count - run.skipped_count for run in runs),
    )
    return Success(judge_rates((run.success_count, tried), before), rate(*before), runs)
