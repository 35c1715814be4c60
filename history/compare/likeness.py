"""Which scenes may be compared fairly. Pure.

What is refused and why is the ladder's (history/baseline/ladder.py), asked both ways round, so that
it does not matter which of two scenes is the base.
"""

from collections.abc import Mapping

from history.baseline.fingerprint import Fingerprint
from history.baseline.ladder import REFUSALS, Reason
from history.baseline.work import Work
from history.judged.candidates import work_of_scene
from history.models import Scene
from telemetry.words import Outcome

# Of the ladder's, what makes two figures unlike. Age, archive and place in time do not.
UNLIKE = frozenset(
    {
        Reason.UNFINISHED,
        Reason.CACHED,
        Reason.OTHER_WORK,
        Reason.OTHER_GPU,
        Reason.OTHER_WARMTH,
        Reason.TOO_FAR,
    }
)
QUESTIONS = tuple((reason, applies) for reason, applies in REFUSALS if reason in UNLIKE)
# Why, in words that follow a number of scenes, and in a cell.
WORDS: Mapping[str, tuple[str, str]] = {
    Reason.UNFINISHED: ("not finished in both", ""),
    Reason.OUTCOME: ("not completed in both", ""),
    Reason.CACHED: ("came out of the cache", "cached"),
    Reason.OTHER_WORK: ("of different work", "other work"),
    "unknown": ("of work that nobody knows: no graph is on record", "unknown work"),
    Reason.OTHER_GPU: ("on different GPU models", "other GPU"),
    Reason.OTHER_WARMTH: ("cold in one and warm in the other, or unknown", "cold or warm"),
    Reason.TOO_FAR: ("of very different size", "other size"),
    Reason.WIDER: ("of different size, models or samplers", "other settings"),
    Reason.NO_VALUE: ("without a duration on record", ""),
    "timer": ("timed by ComfyUI in one and by the script in the other", "other timer"),
}


class Likeness:
    """Answers of two scenes whether they are alike, from what each asks of a GPU."""

    def __init__(self, known: Mapping[str, Fingerprint]) -> None:
        self._known = known
        self._works: dict[int, Work] = {}

    def _work(self, scene: Scene) -> Work:
        work = self._works.get(scene.pk)
        if work is None:
            work = self._works[scene.pk] = work_of_scene(scene, self._known, archived=False)
        return work

    def unlike(self, one: Scene, other: Scene) -> str | None:
        """Return why two scenes are not to be compared; None if they are."""
        works = self._work(one), self._work(other)
        if any(work.ended_at is None for work in works):
            return Reason.UNFINISHED
        if any(work.outcome is not Outcome.SUCCESS for work in works):
            return Reason.OUTCOME
        if one.workload is None or other.workload is None:
            return "unknown"
        for reason, applies in QUESTIONS:
            if applies(*works) or applies(*works[::-1]):
                return reason
        if one.workload != other.workload:
            return Reason.WIDER
        if one.timed_by != other.timed_by:
            return "timer"
        return None if all(work.value for work in works) else Reason.NO_VALUE
