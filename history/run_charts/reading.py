"""A run and the earlier runs that its page compares it with: one query."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from history.explore.listing import title_of_run
from history.judged.judging import Judged, judge_run
from history.models import Run

# So many of the last runs of the same work, however they ended.
RUNS = 20
TITLES = {
    "duration": "Duration trend",
    "success": "Success rate",
    "memory": "Scene time by peak VRAM",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A run, how it stands against its baseline, and the earlier runs this was chosen from."""

    run: Run
    judged: Judged
    earlier: list[Run]

    @property
    def baseline(self) -> list[tuple[Run, float]]:
        """Return the runs of the baseline with what they took, scaled where it is; oldest first."""
        known = {run.pk: run for run in self.earlier}
        chosen = self.judged.baseline
        pairs = zip(chosen.ids, chosen.values, strict=True)
        return [(known[int(str(pk))], value) for pk, value in pairs]

    @property
    def alike(self) -> list[Run]:
        """Return the last runs of the same work, however they ended; oldest first."""
        return alike(self.run, self.earlier)


def compared(run: Run) -> Compared:
    """Return a run with what it is compared with, and none of its scenes."""
    judged = judge_run(run, [], timezone.now())
    return Compared(run, judged.run, judged.earlier)


def alike(run: Run, earlier: list[Run]) -> list[Run]:
    """Return of earlier runs the last that are over, of the same work; oldest first."""
    same = [one for one in earlier if one.work == run.work and not one.open_count]
    return [one for one in same if one.archived_at is None][:RUNS][::-1]


def rated(runs: Iterable[Run]) -> list[Run]:
    """Return the runs of which it is known how their scenes ended: what nobody knows is no failure.

    One of skipped scenes alone has no rate either.
    """
    return [run for run in runs if run.success_rate is not None]


def name_of(run: Run) -> str:
    """Return a run's name in a chart."""
    name, of = title_of_run(run)
    return f"{name} {of}".strip() if of else name
