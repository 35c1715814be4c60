"""Lines of ComfyUI's log: tqdm's redraws and the sentences of its own source.

Seen on a live CPU server (captures 16 and 30): steps, got prompt, Prompt executed in, exceptions,
interrupts. From source only, UNVERIFIED on CUDA: model loads and unloads, and the two forms of an
out-of-memory message.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from telemetry.protocol.wire import clean

# Past this a line is cut, which also bounds the time of every pattern below.
LINE_LIMIT = 2_000
LINES_LIMIT = 200
ENTRY_LIMIT = 20_000
# No pattern matches less ("got prompt"): a flood of newlines costs next to nothing.
SHORTEST_LINE = 10

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_ENDS = re.compile(r"[\r\n]+")
_LEVEL = re.compile(r"^\[(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\] ")
_UNIT_BYTES = {"KiB": 1 << 10, "MiB": 1 << 20, "MB": 1 << 20, "GiB": 1 << 30}


class Step(msgspec.Struct, frozen=True):
    """A redraw of a progress bar: `rate_per_s` in steps per second, None while unknown."""

    value: int
    total: int | None
    rate_per_s: float | None
    label: str = ""


class GotPrompt(msgspec.Struct, frozen=True):
    """A prompt was accepted."""


class PromptExecuted(msgspec.Struct, frozen=True):
    """The running prompt is over, however it ended."""

    duration_s: float


class ExceptionRaised(msgspec.Struct, frozen=True):
    """The running prompt failed; the message's first line."""

    message: str


class Interrupted(msgspec.Struct, frozen=True):
    """The running prompt was interrupted."""


class OutOfMemory(msgspec.Struct, frozen=True):
    """An allocation failed, in bytes as far as the text tells. Unverified on CUDA."""

    allocated_bytes: int | None = None
    requested_bytes: int | None = None
    limit_bytes: int | None = None


class ModelRequested(msgspec.Struct, frozen=True):
    """A model's load begins. Unverified on CUDA."""

    model: str


class ModelLoaded(msgspec.Struct, frozen=True):
    """A model is in memory, wholly or partly; bytes on the device. Unverified on CUDA."""

    complete: bool
    loaded_bytes: int | None
    offloaded_bytes: int | None = None


class ModelUnloaded(msgspec.Struct, frozen=True):
    """Models left memory. Unverified on CUDA."""

    count: int | None = None
    freed_bytes: int | None = None


LogLine: TypeAlias = (
    Step
    | GotPrompt
    | PromptExecuted
    | ExceptionRaised
    | Interrupted
    | OutOfMemory
    | ModelRequested
    | ModelLoaded
    | ModelUnloaded
)
_Match: TypeAlias = "re.Match[str]"


def _bytes(match: _Match, group: str) -> int | None:
    number = match[group]
    return int(float(number) * _UNIT_BYTES[match[group + "_unit"]]) if number else None


def _step(match: _Match) -> Step:
    rate = float(match["rate"]) if match["rate"] else None
    if rate is not None and match["unit"] == "s/it":
        rate = 1 / rate if rate > 0 else None
    total = int(match["total"]) if match["total"] else None
    return Step(int(match["value"]), total, rate, (match["label"] or "").strip()[:80])


def _executed(match: _Match) -> PromptExecuted:
    if match["s"]:
        return PromptExecuted(float(match["s"]))
    hours, minutes, seconds = (int(part) for part in match["clock"].split(":"))
    return PromptExecuted(float(hours * 3600 + minutes * 60 + seconds))


def _oom(match: _Match) -> OutOfMemory:
    return OutOfMemory(requested_bytes=_bytes(match, "asked"), limit_bytes=_bytes(match, "limit"))


def _part(field: str) -> Callable[[_Match], OutOfMemory]:
    return lambda match: OutOfMemory(**{field: _bytes(match, "n")})


def _loaded(match: _Match) -> ModelLoaded:
    partly = match["how"] == "partially"
    offloaded = int(float(match["off"]) * (1 << 20)) if match["off"] else None
    return ModelLoaded(not partly, int(float(match["mb"]) * (1 << 20)), offloaded)


_SIZE = r"(?P<{0}>\d{{1,9}}(?:\.\d{{1,9}})?) (?P<{0}_unit>KiB|MiB|GiB|MB)"
_N = _SIZE.format("n")
_MB = r"\d{1,12}(?:\.\d{1,9})?"

_BAR = (
    r"\s{0,8}\d{1,3}%\|[^|]{0,300}\|\s{0,8}(?P<value>\d{1,9})/(?P<total>\d{1,9}) \[[^\],]{0,40}"
    r"(?:,\s{0,8}(?:(?P<rate>\d{1,9}(?:\.\d{1,9})?)|\?)(?P<unit>it/s|s/it))?[^\]]{0,200}\]"
)

# First match wins. Every pattern is anchored and its repetitions are bounded: linear time.
PATTERNS: list[tuple[re.Pattern[str], Callable[[_Match], LogLine]]] = [
    (
        # By far the most lines, so first of all; with a label below.
        re.compile(rf"(?P<label>){_BAR}"),
        _step,
    ),
    (
        re.compile(rf"(?P<label>[^|]{{0,200}}?): {_BAR}"),
        _step,
    ),
    (
        re.compile(
            r"(?:(?P<label>[^|]{0,200}?): )?(?P<value>\d{1,9})(?P<total>)it \[[^\],]{0,40},\s{0,8}"
            r"(?:(?P<rate>\d{1,9}(?:\.\d{1,9})?)|\?)(?P<unit>it/s|s/it)[^\]]{0,200}\]"
        ),
        _step,
    ),
    (re.compile(r"got prompt$"), lambda _: GotPrompt()),
    (
        re.compile(
            r"Prompt executed in (?:(?P<s>\d{1,9}(?:\.\d{1,9})?) seconds"
            r"|(?P<clock>\d{1,4}:\d\d:\d\d))$"
        ),
        _executed,
    ),
    (
        re.compile(r"!!! Exception during processing ?!!! ?(?P<message>.{0,400})"),
        lambda match: ExceptionRaised(clean(match["message"].strip(), 400)),
    ),
    (re.compile(r"Processing interrupted$"), lambda _: Interrupted()),
    (
        re.compile(
            r"(?:torch\.(?:cuda\.)?OutOfMemoryError: )?(?:CUDA|HIP) out of memory\. "
            rf"Tried to allocate {_SIZE.format('asked')}\.?"
            rf"(?:.{{0,80}}?total capacity of {_SIZE.format('limit')})?"
        ),
        _oom,
    ),
    (re.compile(r"Got an OOM, unloading all loaded models"), lambda _: OutOfMemory()),
    (re.compile(rf"Currently allocated\s{{0,8}}: {_N}"), _part("allocated_bytes")),
    (re.compile(rf"Requested\s{{0,20}}: {_N}"), _part("requested_bytes")),
    (re.compile(rf"Device limit\s{{0,20}}: {_N}"), _part("limit_bytes")),
    (
        re.compile(r"Requested to load (?P<model>\S.{0,120})$"),
        lambda match: ModelRequested(clean(match["model"], 120)),
    ),
    (
        # Since 2025: "loaded completely; <usable> <n> MB loaded, full load: True".
        re.compile(
            rf"loaded (?P<how>completely|partially); (?:.{{0,80}}? )?(?P<mb>{_MB}) MB loaded"
            rf"(?:, (?P<off>{_MB}) MB offloaded)?"
        ),
        _loaded,
    ),
    (
        # 0.3.64: "loaded completely <budget> <n> <full>", "loaded partially <budget> <n> <k>".
        re.compile(
            rf"loaded (?P<how>completely|partially) \S{{1,40}} (?P<mb>{_MB}) \S{{1,40}}(?P<off>)$"
        ),
        _loaded,
    ),
    (
        re.compile(rf"Unloaded partially: (?P<mb>{_MB}) MB freed"),
        lambda match: ModelUnloaded(freed_bytes=int(float(match["mb"]) * (1 << 20))),
    ),
    (
        re.compile(r"(?P<n>\d{1,6}) models unloaded\.$"),
        lambda match: ModelUnloaded(count=int(match["n"])),
    ),
]


def lines_of(text: str) -> Iterator[LogLine]:
    """Yield what the lines of one log entry say; lines that say nothing to us are skipped.

    A carriage return ends a line as a newline does: tqdm redraws its bar in place.
    """
    pieces = _ENDS.split(text[:ENTRY_LIMIT], maxsplit=LINES_LIMIT)
    for piece in pieces[:LINES_LIMIT]:
        found = line_of(piece)
        if found is not None:
            yield found


def line_of(line: str) -> LogLine | None:
    """Return what one line says, or None."""
    bare = line[:LINE_LIMIT]
    if "\x1b" in bare:
        bare = _ANSI.sub("", bare)
    bare = bare.strip()
    if bare.startswith("["):
        bare = _LEVEL.sub("", bare)
    if len(bare) < SHORTEST_LINE:
        return None
    for pattern, build in PATTERNS:
        match = pattern.match(bare)
        if match is not None:
            return build(match)
    return None
