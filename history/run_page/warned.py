"""Which scenes of a run ask for attention, by four conditions, each said in words.

A warning was told; an error was, or it failed; there are fewer frames than it must have; ComfyUI's
history of it is missing: so its script said of the attempt that decides, or it was lost. What
nobody told is no condition: a history that is not mentioned is not missing.
"""

from collections import defaultdict
from collections.abc import Iterable

from history.deciding import deciding
from history.models import Attempt, Run, Scene, SceneReport
from telemetry.words import Outcome

WARNING, ERROR, FRAMES, HISTORY = "warnings", "errors", "too few frames", "not in ComfyUI's history"
# What tells which attempt decides, and what its script said of the history.
DECIDES = (
    *("scene", "outcome", "frames", "submitted_at", "ended_at", "seen_at"),
    "script_report__history_retrieved",
)


def warned_in(run: Run, scenes: Iterable[Scene]) -> dict[int, list[str]]:
    """Return the scenes with a condition, each with all of its; two queries where a file told."""
    scenes = list(scenes)
    found: defaultdict[int, set[str]] = defaultdict(set)
    for scene in scenes:
        found[scene.pk] |= _of_record(scene)
    if run.revision:
        for pk, warnings, errors in _reported(run):
            found[pk] |= {WARNING} if warnings else set()
            found[pk] |= {ERROR} if errors else set()
        for pk in _without_history(run, scenes):
            found[pk].add(HISTORY)
    order = (WARNING, ERROR, FRAMES, HISTORY)
    return {pk: [one for one in order if one in of] for pk, of in found.items() if of}


def _of_record(scene: Scene) -> set[str]:
    found = {Outcome.FAILED.value: {ERROR}, Outcome.LOST.value: {HISTORY}}.get(
        scene.outcome or "", set()
    )
    is_short = scene.frames is not None and scene.frames < (scene.frame_floor or 0)
    return found | ({FRAMES} if is_short else set())


def _reported(run: Run) -> Iterable[tuple[int, list[str], list[str]]]:
    told = SceneReport.objects.filter(scene__run=run).exclude(warnings=[], errors=[])
    return told.values_list("scene", "warnings", "errors")


def _without_history(run: Run, scenes: list[Scene]) -> list[int]:
    """Return the scenes whose deciding attempt has no history, as its script told."""
    missing = Attempt.objects.filter(scene__run=run, script_report__history_retrieved=False)
    attempts: defaultdict[int, list[Attempt]] = defaultdict(list)
    found = Attempt.objects.filter(scene__in=missing.order_by().values("scene"))
    for attempt in found.select_related("script_report").only(*DECIDES).order_by("pk"):
        attempts[attempt.scene_id].append(attempt)
    return [scene.pk for scene in scenes if _is_missing(scene, attempts.get(scene.pk, []))]


def _is_missing(scene: Scene, attempts: list[Attempt]) -> bool:
    best = deciding(scene, attempts)
    report = getattr(best, "script_report", None)
    return report is not None and report.history_retrieved is False
