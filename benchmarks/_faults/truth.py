"""What ComfyUI itself said of each prompt, what Scenewatch recorded, and where they differ."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from benchmarks.figures import Figure

# A prompt that ended this shortly before its ComfyUI was killed: nobody could ask how.
UNTOLD_S = 2.5
LOST, CANCELLED, SUCCESS, FAILED = "lost", "cancelled", "success", "failed"


@dataclass(slots=True)
class Prompt:
    """A prompt and what its ComfyUI said of it; times in seconds since 1970.

    `forgotten_at` is when the ComfyUI that knew it was killed.
    """

    server: int
    prompt_id: str
    phase: int
    sent_at: float
    started_at: float | None = None
    ended_at: float | None = None
    outcome: str | None = None
    error_type: str | None = None
    deleted_at: float | None = None
    forgotten_at: float | None = None

    @property
    def over(self) -> bool:
        """Say whether ComfyUI has no more to say of it."""
        return self.outcome is not None or self.forgotten_at is not None

    @property
    def duration_s(self) -> float | None:
        """Return how long it executed by ComfyUI's own clock."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at

    @property
    def may_be_lost(self) -> bool:
        """Say whether its ComfyUI was killed before anybody could ask how it ended."""
        if self.forgotten_at is None:
            return False
        return self.ended_at is None or self.forgotten_at - self.ended_at < UNTOLD_S


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt on record."""

    server: int
    prompt_id: str
    scene: int
    status: str
    outcome: str | None
    error_type: str | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which, on record, nobody watched the server."""

    server: int
    began_at: datetime
    ended_at: datetime | None

    def covers(self, at: float) -> bool:
        """Say whether the moment, in seconds since 1970, is in it."""
        ended = self.ended_at is None or at <= self.ended_at.timestamp()
        return self.began_at.timestamp() <= at and ended


@dataclass(slots=True)
class Tally:
    """How the record differs from the truth."""

    sent: int = 0
    recorded: int = 0
    doubled: int = 0
    forgotten: int = 0
    traceless: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    apart_s: float | None = None

    def figures(self, name: str) -> list[Figure]:
        """Return what of it is told, most of it with a limit."""
        return [
            Figure(f"{name}: prompts sent", self.sent, "", 1, "more"),
            Figure(f"{name}: recorded", self.recorded, ""),
            Figure(f"{name}: doubled", self.doubled, "", 0),
            Figure(f"{name}: lost by Scenewatch", len(self.lost), "", 0),
            Figure(f"{name}: lost by ComfyUI, said so", self.forgotten, ""),
            Figure(f"{name}: removed while nobody watched", self.traceless, ""),
            Figure(f"{name}: wrong outcome or error", len(self.wrong), "", 0),
            Figure(f"{name}: duration differs, at most", self.apart_s, "s"),
        ]


def compare(prompts: Iterable[Prompt], rows: list[Row], windows: list[Window]) -> Tally:
    """Return how the rows differ from what ComfyUI said of the prompts."""
    sent = {(prompt.server, prompt.prompt_id): prompt for prompt in prompts}
    ours = [row for row in rows if (row.server, row.prompt_id) in sent]
    by_prompt = {(row.server, row.prompt_id): row for row in ours}
    tally = Tally(sent=len(sent), recorded=len(by_prompt))
    scenes = Counter(row.scene for row in by_prompt.values())
    tally.doubled = len(ours) - len(by_prompt) + sum(count - 1 for count in scenes.values())
    for key, prompt in sent.items():
        _compare_one(tally, prompt, by_prompt.get(key), windows)
    return tally


def _compare_one(tally: Tally, prompt: Prompt, row: Row | None, windows: list[Window]) -> None:
    said = f"{prompt.prompt_id} ({prompt.outcome}) of server {prompt.server}"
    if row is None and _without_trace(prompt, windows):
        tally.traceless += 1
    elif row is None or row.status != "ended":
        tally.lost.append(f"{said}: {row.status if row else 'not on record'}")
    elif row.outcome == LOST or (prompt.forgotten_at is not None and prompt.outcome is None):
        _compare_lost(tally, prompt, row, windows, said)
    else:
        _compare_end(tally, prompt, row, said)


def _without_trace(prompt: Prompt, windows: list[Window]) -> bool:
    """Say whether it came and was removed from the queue while, on record, nobody watched.

    ComfyUI keeps no word of it then. The first answer comes a little after a window's end.
    """
    if prompt.deleted_at is None:
        return False
    return any(
        w.server == prompt.server
        and w.began_at.timestamp() <= prompt.deleted_at
        and (w.ended_at is None or prompt.sent_at <= w.ended_at.timestamp() + UNTOLD_S)
        for w in windows
    )


def _compare_lost(tally: Tally, prompt: Prompt, row: Row, windows: list[Window], said: str) -> None:
    at = prompt.forgotten_at
    if row.outcome != LOST:
        tally.wrong.append(f"{said}: {row.outcome}, but ComfyUI was killed and forgot it")
    elif not prompt.may_be_lost or at is None:
        tally.lost.append(f"{said}: lost on record, but ComfyUI says {prompt.outcome}")
    elif not any(w.server == prompt.server and w.covers(at) for w in windows):
        tally.lost.append(f"{said}: lost on record, without a blind window")
    else:
        tally.forgotten += 1


def _compare_end(tally: Tally, prompt: Prompt, row: Row, said: str) -> None:
    if row.outcome != prompt.outcome:
        tally.wrong.append(f"{said}: {row.outcome}, but ComfyUI says {prompt.outcome}")
    elif row.error_type != prompt.error_type and prompt.outcome == FAILED:
        tally.wrong.append(f"{said}: {row.error_type}, but ComfyUI says {prompt.error_type}")
    elif prompt.duration_s is not None:
        apart_s = abs(prompt.duration_s - row.duration_s) if row.duration_s is not None else None
        if apart_s is None:
            tally.wrong.append(f"{said}: no duration, but ComfyUI says {prompt.duration_s:.3f} s")
        else:
            tally.apart_s = max(apart_s, tally.apart_s or 0.0)


def take_message(prompt: Prompt, kind: str, data: dict[str, Any]) -> None:
    """Take in what ComfyUI said of a prompt: on the submitter's socket, or in the history."""
    at = data["timestamp"] / 1000 if "timestamp" in data else None
    if kind == "execution_start":
        prompt.started_at = at
    elif kind in ENDS:
        prompt.outcome, prompt.ended_at = ENDS[kind], at
        prompt.error_type = data.get("exception_type")


ENDS = {
    "execution_success": SUCCESS,
    "execution_error": FAILED,
    "execution_interrupted": CANCELLED,
}
