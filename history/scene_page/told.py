"""What files told of a scene and of each of its attempts, beyond what the record reckons with.

What is not told has no line: a missing figure is no 0. What the newest scripts tell of each attempt
is named where this one does not: "not reported". Paths are for operators.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from history.free_values import amount_of, moment_of
from history.models import Attempt, FallbackNote, Finding, PollLog, SceneReport, ScriptReport
from history.run_page.fallbacks import TONES
from history.run_page.scenes import polls_in_words
from history.scene_page.attempts import names_of
from history.scene_page.reading import Read
from history.scene_page.waited import Line, waited
from history.words import fallback_label
from telemetry.text import NBSP

NOT_REPORTED = "not reported"
LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Note:
    """A fallback note, with its kind in words."""

    label: str
    tone: str
    icon: str
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class AttemptTold:
    """What was told of one attempt; `untold` names what was not, `polled` has a poll log."""

    pk: int
    name: str
    is_shown: bool
    lines: list[Line]
    untold: str
    notes: list[Note]
    warnings: list[str]
    errors: list[str]
    polls: str
    polled: bool


@dataclass(frozen=True, slots=True)
class SceneTold:
    """What was told of a scene; `video` is its state, "not reported" where none was told."""

    video: str
    lines: list[Line]
    attempts: list[AttemptTold] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def told_of(read: Read, is_operator: bool) -> SceneTold | None:
    """Return what files told of a scene, None where none did; three queries where one did."""
    report: SceneReport | None = getattr(read.scene, "report", None)
    scripts = [getattr(one, "script_report", None) for one in read.attempts]
    if not read.run.revision or (report is None and not any(scripts)):
        return None
    notes = FallbackNote.objects.filter(scene=read.scene).order_by("place")
    by_attempt: dict[int, list[FallbackNote]] = {}
    for note in notes:
        by_attempt.setdefault(note.attempt_id, []).append(note)
    found = Finding.objects.filter(run=read.run, scene=read.scene).order_by("place")
    logs = PollLog.objects.filter(attempt__in=[one.pk for one in read.attempts]).defer("packed")
    polls = {one.attempt_id: one for one in logs}
    told = [
        _attempt(name, one, read, by_attempt.get(one.pk, []), polls.get(one.pk), is_operator)
        for name, one in zip(names_of(read.attempts), read.attempts, strict=True)
    ]
    return SceneTold(_video(report), _of_scene(report, is_operator), told, list(found))


def _attempt(
    name: str,
    attempt: Attempt,
    read: Read,
    notes: list[FallbackNote],
    log: PollLog | None,
    is_operator: bool,
) -> AttemptTold:
    report: ScriptReport | None = getattr(attempt, "script_report", None)
    figures = _lines(FIGURES, report) if report else []
    known = {line.label for line in figures}
    return AttemptTold(
        attempt.pk,
        name,
        read.shown is not None and attempt.pk == read.shown.pk,
        [*figures, *waited(report, is_operator)] if report else [],
        ", ".join(label.lower() for label in FIGURES if label not in known and label != FLF2V),
        [_note(note) for note in notes],
        _texts(report.warnings if report else []),
        _texts([*report.errors, *report.history_errors] if report else []),
        polls_in_words(attempt, log),
        log is not None,
    )


def _note(note: FallbackNote) -> Note:
    tone, icon = TONES[note.severity]
    return Note(fallback_label(note.category), tone, icon, note.severity, note.text[:LONGEST])


def _texts(told: Iterable[Any]) -> list[str]:
    """Return texts, each once: what stands in two lists of the file is one thing."""
    return list(dict.fromkeys(str(one)[:LONGEST] for one in told))


# --- An attempt: what is told of it, by its name; "" where it is not ------------------------------


def _resolution(of: ScriptReport) -> str:
    return f"{of.final_width} × {of.final_height}" if of.final_width and of.final_height else ""


def _flf2v(of: ScriptReport) -> str:
    """Return whether each scene began with the last frame of the one before, and with what."""
    enabled = of.more.get("flf2v_enabled")
    if enabled is None:
        return ""
    source = f", source {of.more['flf2v_source']}" if of.more.get("flf2v_source") else ""
    fell_back = ", fell back to the keyframe" if of.more.get("flf2v_fallback") else ""
    return f"{'enabled' if enabled else 'disabled'}{source}{fell_back}"


FLF2V = "First and last frame"
FIGURES: dict[str, Callable[[ScriptReport], str]] = {
    "Frame rate": lambda of: f"{of.final_fps:g}{NBSP}fps" if of.final_fps is not None else "",
    "Resolution": _resolution,
    "Interpolation": lambda of: (
        f"{of.interpolation_ms:,.0f}{NBSP}ms" if of.interpolation_ms is not None else ""
    ),
    "Upscaled by": lambda of: str(of.more.get("upscale_method") or ""),
    FLF2V: _flf2v,
}


def _lines(names: dict[str, Callable[[ScriptReport], str]], report: ScriptReport) -> list[Line]:
    told = [Line(label, text(report)[:LONGEST]) for label, text in names.items()]
    return [line for line in told if line.text]


# --- The scene ------------------------------------------------------------------------------------


def _video(report: SceneReport | None) -> str:
    return str((report and report.video.get("status")) or NOT_REPORTED)


def _of_scene(report: SceneReport | None, is_operator: bool) -> list[Line]:
    if report is None:
        return []
    story, video = report.story, report.video
    told = [
        *(
            Line(f"Video, {key}", str(video[key]))
            for key in ("error", "version", "notes")
            if video.get(key)
        ),
        *_told_frames(report),
        *(Line(label, _short(story[key])) for key, label in STORY.items() if story.get(key)),
        *_own_word(report),
    ]
    length, written = amount_of(video.get("duration_s")), moment_of(video.get("updated_at"))
    if length is not None:
        told.insert(0, Line("Video, length", f"{length:g}{NBSP}s"))
    if written is not None:
        told.insert(0, Line("Video, written", "", written))
    if is_operator:
        paths = {"video": video.get("path"), "story's keyframe": story.get("keyframe")}
        paths |= report.paths
        told += [
            Line(f"Path, {name.replace('_', ' ')}", str(path))
            for name, path in paths.items()
            if path
        ]
    return told


STORY = {
    "summary": "Story",
    "mood": "Mood",
    "camera_movement": "Camera",
    "expected_frames": "Frames it should have",
}


OWN_WORD = {
    "success_flag": ("success", "no success"),
    "floor_flag": ("enough frames", "too few frames"),
    "requeued_flag": ("tried again", "not tried again"),
}


def _own_word(report: SceneReport) -> list[Line]:
    """Return what the script itself said of how it went; the status is worked out by our rules."""
    flags = ((getattr(report, name), words) for name, words in OWN_WORD.items())
    told = [words[0] if flag else words[1] for flag, words in flags if flag is not None]
    return [Line("Its script's own word", ", ".join(told))] if told else []


def _short(told: Any) -> str:
    return f"{told:g}" if isinstance(told, float) else str(told)[:LONGEST]


def _told_frames(report: SceneReport) -> list[Line]:
    """Return the number of frames as the file has it, where nobody counted them."""
    if not report.frames_assumed or report.frames_told is None:
        return []
    return [Line("Frames expected", f"{report.frames_told:,}, not counted")]
