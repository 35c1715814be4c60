"""The telemetry block of a scene, and what its validators asked of it."""

from typing import Any

from history.imports.fields import Fields
from history.imports.notes import note_of
from history.imports.outcomes import exit_reason_of
from history.imports.told import ToldMemory, ToldNote, ToldScript
from history.words import ExitReason
from telemetry.text import model_of
from telemetry.words import Grade

MIB = 1 << 20
LARGEST_BYTES = float(1 << 50)
# What rounding to a tenth of a MiB allows.
DELTA_MIB = 0.1
FIGURES = (
    *("DurationSeconds", "MaxWaitSeconds", "PollIntervalSeconds", "HistoryAttempts"),
    *("HistoryAttemptLimit", "PostExecutionTimeoutSeconds", "HistoryExitReason"),
)
KEYS = (
    *("HistoryPostExecutionTimeoutReached", "ExecutionSuccessDetected", "ExecutionSuccessAt"),
    *("SceneRetryBudget", "DoneMarkerWaitSeconds", "DoneMarkerDetected"),
    *("ForcedCopyTriggered", "ForcedCopyDebugPath"),
)
SOURCES = ("keyframe", "last-frame")
# Beside the columns: our name, how it is read, its name in the file.
MORE = [
    ("max_wait_s", "seconds", "MaxWaitSeconds"),
    ("poll_interval_s", "seconds", "PollIntervalSeconds"),
    ("poll_limit", "whole", "HistoryAttemptLimit"),
    ("poll_limit_text", "text", "PollLimit"),
    ("grace_s", "seconds", "PostExecutionTimeoutSeconds"),
    ("retry_budget", "whole", "SceneRetryBudget"),
    ("marker_path", "text", "DoneMarkerPath"),
    ("forced_copy_path", "text", "ForcedCopyDebugPath"),
    ("flf2v_enabled", "flag", "FLF2VEnabled"),
    ("flf2v_source", "text", "FLF2VSource"),
    ("flf2v_fallback", "flag", "FLF2VFallback"),
    ("upscale_method", "text", "UpscaleMethod"),
    ("semantic_alignment_score", "number", "SemanticAlignmentScore"),
]
SYSTEM = [
    ("comfyui_version", "text"),
    ("python_version", "text"),
    ("pytorch_version", "text"),
    ("os", "text"),
    ("ram_total", "number"),
    ("ram_free", "number"),
    ("embedded_python", "flag"),
    ("argv", "texts"),
]


def script_of(fields: Fields) -> ToldScript:
    """Return how a script waited; notes V11 to V14 and V19."""
    _require(fields)
    script = ToldScript(
        queue_began_at=fields.moment("QueueStart"),
        queue_ended_at=fields.moment("QueueEnd"),
        exit_reason=fields.text("HistoryExitReason"),
        history_polls=fields.whole("HistoryAttempts"),
        history_seen=fields.flag("ExecutionSuccessDetected"),
        history_seen_at=fields.moment("ExecutionSuccessAt"),
        grace_elapsed=fields.flag("HistoryPostExecutionTimeoutReached"),
        marker_seen=fields.flag("DoneMarkerDetected"),
        marker_wait_s=fields.seconds("DoneMarkerWaitSeconds"),
        forced_copy=fields.flag("ForcedCopyTriggered"),
        interpolation_ms=fields.number("InterpolationElapsed", unit="ms"),
        final_fps=fields.number("FinalFPS", low=0.001, high=10_000),
        more=_named(fields, MORE),
    )
    script.final_width, script.final_height = _resolution(fields)
    system = fields.below("System")
    if system is not None:
        script.system_before, script.system_after = _host(system, "Before"), _host(system, "After")
    _check(fields, script)
    return script


def _named(fields: Fields, names: list[tuple[str, str, str]]) -> dict[str, Any]:
    told = {name: getattr(fields, how)(key) for name, how, key in names if fields.told(key)}
    return {name: value for name, value in told.items() if value is not None}


def _require(fields: Fields) -> None:
    for name in FIGURES:
        if not fields.told(name):
            fields.find("V11", name, f"{name} is missing.")
    for name in KEYS:
        if not fields.has(name):
            fields.find("V13", name, f"{name} is missing.")


def _check(fields: Fields, script: ToldScript) -> None:
    word = script.exit_reason
    if word is not None and exit_reason_of(word) is ExitReason.UNKNOWN and word != "unknown":
        known = ", ".join(reason.value for reason in ExitReason)
        fields.find("V12", "HistoryExitReason", f'"{word[:60]}" is none of {known}.')
    if "|" in (word or ""):
        fields.find("placeholder", "HistoryExitReason", "An example's list of words, not one.")
    if script.history_seen and script.history_seen_at is None:
        fields.find("V14", "ExecutionSuccessAt", "Success was detected, but not when.")
    _check_limit(fields, script)
    _check_words(fields, script)


def _check_limit(fields: Fields, script: ToldScript) -> None:
    """Note V15: the limit of polls as text, where the number says otherwise."""
    text, limit = script.more.get("poll_limit_text"), script.more.get("poll_limit")
    wanted = ("unbounded", "0") if limit == 0 else (str(limit),)
    if text is not None and limit is not None and text.lower() not in wanted:
        fields.find("V15", "PollLimit", f"{text[:60]}; HistoryAttemptLimit is {limit}.")


def _check_words(fields: Fields, script: ToldScript) -> None:
    """Note V19 of what names a source or a method."""
    source = script.more.get("flf2v_source")
    if source is not None and source not in SOURCES:
        fields.find("V19", "FLF2VSource", f"{source[:60]} is none of {', '.join(SOURCES)}.")
    if fields.told("UpscaleMethod") and "upscale_method" not in script.more:
        fields.find("V19", "UpscaleMethod", "The method is blank.")
    if script.more.get("flf2v_enabled") and not source:
        fields.find("V19", "FLF2VSource", "FLF2V is enabled without a source.")


def _resolution(fields: Fields) -> tuple[int | None, int | None]:
    text = fields.text("FinalResolution")
    if text is None:
        return None, None
    width, _, height = text.lower().partition("x")
    if width.isdecimal() and height.isdecimal() and len(text) <= 11:
        return int(width), int(height)
    fields.find("V19", "FinalResolution", f"{text[:60]} is not like 1920x1080.")
    return None, None


def _host(system: Fields, name: str) -> dict[str, Any]:
    below = system.below(name)
    if below is None:
        return {}
    told = {key: getattr(below, how)(key) for key, how in SYSTEM if below.told(key)}
    return {key: value for key, value in told.items() if value not in (None, [])}


def notes_of(fields: Fields) -> list[ToldNote]:
    """Return the fallback notes of a telemetry block; notes V17."""
    system = fields.below("System")
    if system is None or not system.has("FallbackNotes"):
        fields.find("V17", "System.FallbackNotes", "System.FallbackNotes is missing.")
        return []
    return [note_of(text) for text in system.texts("FallbackNotes")]


# --- GPU ----------------------------------------------------------------------------------------


def memory_of(fields: Fields) -> ToldMemory | None:
    """Return the GPU's free memory, None where nothing was measured; notes V16.

    A total of 0 means that nobody measured, not that there is none. Bytes count before MiB.
    """
    gpu = fields.below("GPU")
    if gpu is None:
        fields.find("V16", "GPU", "GPU is missing.")
        return None
    before, after = _free(gpu, "Before"), _free(gpu, "After")
    total = gpu.number("VramTotal", high=LARGEST_BYTES) or None
    _check_gpu(gpu, before, after, total)
    if not before and not after and total is None:
        return None
    return ToldMemory(
        index=gpu.whole("Index", high=999) or 0,
        name=_name(gpu) or "GPU",
        total_bytes=_bytes(total),
        free_before_bytes=_bytes(before),
        free_after_bytes=_bytes(after),
        grade=Grade.POLLED,
    )


def delta_mb_of(fields: Fields) -> float | None:
    """Return by how much free memory changed, of a file that tells neither before nor after."""
    gpu = fields.below("GPU")
    if gpu is None or gpu.told("VramBeforeMB", "VramAfterMB", "VramFreeBefore", "VramFreeAfter"):
        return None
    return gpu.number("VramDeltaMB", low=-LARGEST_BYTES, unit="MB")


def gpu_model_of(fields: Fields) -> str | None:
    """Return the GPU's model, without make, place and allocator; None where it is unknown."""
    gpu = fields.below("GPU")
    name = _name(gpu) if gpu is not None else None
    return (model_of(name) or None) if name and name.lower() != "unknown" else None


def _name(gpu: Fields) -> str | None:
    name = gpu.text("Name", limit=120)
    return name.strip("{} ") or None if name else None


def _free(gpu: Fields, when: str) -> float | None:
    told = gpu.number(f"VramFree{when}", high=LARGEST_BYTES)
    if told is not None:
        return told
    mib = gpu.number(f"Vram{when}MB", high=LARGEST_BYTES / MIB, unit="MB")
    return None if mib is None else mib * MIB


def _bytes(value: float | None) -> int | None:
    return None if value is None else round(value)


def _check_gpu(gpu: Fields, before: float | None, after: float | None, total: float | None) -> None:
    if gpu.text("Name") is None:
        gpu.find("V16", "Name", "The GPU has no name.")
    for name in ("VramBeforeMB", "VramAfterMB", "VramDeltaMB"):
        if not gpu.told(name):
            gpu.find("V16", name, f"{name} is missing.")
    delta = gpu.number("VramDeltaMB", low=-LARGEST_BYTES, unit="MB")
    if None not in (delta, before, after):
        told = ((after or 0) - (before or 0)) / MIB
        if round(abs((delta or 0) - told), 6) > DELTA_MIB:
            gpu.find("V16", "VramDeltaMB", f"{delta:g} MB, but after less before is {told:.1f}.")
    if total is not None and max(before or 0, after or 0) > total:
        gpu.find("vram_over_total", "VramTotal", "More is free than there is.")
