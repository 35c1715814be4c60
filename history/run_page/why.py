"""What happened in a run and why, in one plain sentence; and whether that was usual. Pure."""

from collections import Counter
from collections.abc import Iterable

from history.judged.judging import Judged
from history.judged.words import delta_of
from history.models import Attempt, Run, Scene
from history.strip import LABELS
from history.words import EXIT_LABELS, ExitReason
from telemetry.text import duration, plural
from telemetry.words import Outcome

# In the order in which they matter.
WRONG = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.LOST, Outcome.CANCELLED, Outcome.PARTIAL)
DONE = (Outcome.SUCCESS, Outcome.PARTIAL, Outcome.SKIPPED)
# More are counted.
NAMED = 3


def why(run: Run, scenes: list[Scene], reasons: dict[int, str], running: int) -> str:
    """Return the sentence; `reasons` say by scene why it did not complete."""
    if run.open_count:
        return _so_far(scenes, running)
    tried = run.scene_count - run.skipped_count
    if not run.scene_count:
        return "Nothing of it is on record yet."
    if not tried:
        return f"{_all(run.scene_count)} skipped: nothing was queued."
    if run.success_count == tried:
        return f"{_all(tried)} completed{_took(run)}{_skipped(run)}."
    return f"{run.success_count:,} of {plural(tried, 'scene')} completed{_skipped(run)}: " + (
        f"{_what_went_wrong(scenes, reasons)}."
    )


def _took(run: Run) -> str:
    """Return how long a run took; of one whose end no file told, its scenes together."""
    if run.duration_s is not None:
        return f" in {duration(run.duration_s)}"
    return "" if run.work_s is None else f" after {duration(run.work_s)} of work"


def _all(count: int) -> str:
    return {1: "Its one scene", 2: "Both scenes"}.get(count, f"All {count:,} scenes")


def _skipped(run: Run) -> str:
    return f", {run.skipped_count:,} skipped" if run.skipped_count else ""


def _so_far(scenes: list[Scene], running: int) -> str:
    """Return how far it is; a scene that is tried again is not done, whatever it came to before."""
    closed = Counter(scene.outcome for scene in scenes if not scene.open_count)
    waiting = max(0, sum(scene.open_count > 0 for scene in scenes) - running)
    done = sum(closed[outcome] for outcome in DONE)
    told = [f"{done:,} of {plural(len(scenes), 'scene')} done"]
    told += [
        f"{closed[outcome]:,} {LABELS.get(outcome.value, outcome.value)}"
        for outcome in WRONG[:-1]
        if closed[outcome]
    ]
    unknown = sum(s.outcome is None and s.attempt_count > 0 and not s.open_count for s in scenes)
    told += [f"{unknown:,} unknown"] if unknown else []
    told += [f"{running:,} executing"] if running else []
    told += [f"{waiting:,} queued"] if waiting else []
    return ", ".join(told) + "."


def _what_went_wrong(scenes: Iterable[Scene], reasons: dict[int, str]) -> str:
    """Return what ended how and why, what is worst first: the reason that most share."""
    by_outcome: dict[str, list[Scene]] = {}
    for scene in scenes:
        by_outcome.setdefault(scene.outcome or "", []).append(scene)
    told = [
        _group(outcome, by_outcome[outcome.value], reasons)
        for outcome in WRONG
        if outcome.value in by_outcome
    ]
    if unknown := len(by_outcome.get("", [])):
        told.append(f"of {plural(unknown, 'scene')} nobody knows how it ended")
    return "; ".join(told)


def _group(outcome: Outcome, scenes: list[Scene], reasons: dict[int, str]) -> str:
    word = LABELS.get(outcome.value, outcome.value)
    word = {"partial": "came out short of frames", "lost": "were lost"}.get(word, word)
    if word == "were lost" and len(scenes) == 1:
        word = "was lost"
    told = Counter(reason for scene in scenes if (reason := reasons.get(scene.pk)))
    if len(told) == 1 and told.total() == len(scenes):
        return f"{_names(scenes, {})} {word}, {next(iter(told))}"
    if len(scenes) <= NAMED or not told:
        return f"{_names(scenes, reasons)} {word}"
    ((reason, count),) = told.most_common(1)
    return f"{_names(scenes, {})} {word}, {reason} ({count} of {len(scenes)})"


def _names(scenes: list[Scene], reasons: dict[int, str]) -> str:
    """Return few scenes by name, each with its own reason; many are counted."""
    if len(scenes) > NAMED:
        return plural(len(scenes), "scene")
    named = ((scene.external_id, reasons.get(scene.pk)) for scene in scenes)
    return ", ".join(f"{name} ({reason})" if reason else name for name, reason in named)


def reason_of(scene: Scene, attempt: Attempt | None) -> str:
    """Return why a scene did not complete, in few words; "" where nobody told."""
    if scene.outcome == Outcome.PARTIAL and scene.frames is not None and scene.frame_floor:
        return f"{scene.frames} of {scene.frame_floor} frames"
    if attempt is None:
        return ""
    if attempt.error_type:
        at = f" in {attempt.error_node_type}" if attempt.error_node_type else ""
        return f"{attempt.error_type.rpartition('.')[2]}{at}"
    if scene.exit_reason in (ExitReason.MAX_WAIT, ExitReason.ATTEMPT_LIMIT):
        return EXIT_LABELS[ExitReason(scene.exit_reason)]
    lines = (attempt.reason or attempt.error_message or "").strip().splitlines()
    return lines[0][:120] if lines else ""


def normality(judged: Judged, scenes: Iterable[Judged], is_open: bool, is_part: bool) -> str:
    """Return whether that was usual, as a sentence with what it rests on.

    `is_part` says that the run has more scenes than these, on other pages.
    """
    slow = sum(str(one.deviation.standing) == "worse than usual" for one in scenes if one.deviation)
    of = " of this page" if is_part else ""
    share = f" {plural(slow, 'scene')}{of} took longer than usual." if slow else ""
    if is_open:
        return share.strip()
    delta = delta_of(judged)
    if judged.work.value is None:
        why = "it did not complete" if judged.work.outcome else "nobody knows how it ended"
        return f"Its time is not compared: {why}.{share}"
    if not delta.is_known:
        return f"Nothing earlier on record can be compared with it.{share}"
    if delta.words == "as usual":
        return f"As usual ({_against(judged)}).{share}"
    return f"{delta.text} {delta.words} ({_against(judged)}).{share}"


def _against(judged: Judged) -> str:
    baseline = judged.baseline
    return f"median of {plural(baseline.n, 'earlier run')} {duration(baseline.median)} of work"
