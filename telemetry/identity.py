"""Whose prompt it is and of which scene: what survives of extra_data.

Only the keys named here are kept: extra_data also carries workflows and, before ComfyUI 0.3.68, API
keys in the clear.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telemetry.clock import from_ms
from telemetry.protocol.wire import LARGEST_TEXT_BYTES, Unreadable, clean, plain, read

# Each may stand in extra_data itself or in extra_data.scenewatch.
WORDS = ("run_id", "scene_id", "story_id", "user", "source", "story_title", "scene_title")


@dataclass(frozen=True, slots=True)
class Identity:
    """The allow-listed part of extra_data; None where it is not told."""

    client_id: str | None = None
    submitted_at: datetime | None = None
    attempt_number: int | None = None
    words: dict[str, str] = field(default_factory=dict)

    @property
    def submitter(self) -> str | None:
        """Return the user that the prompt names, else its client_id."""
        return self.words.get("user") or self.client_id

    @property
    def kept(self) -> dict[str, Any]:
        """Return what the record keeps of extra_data."""
        number = {} if self.attempt_number is None else {"attempt": self.attempt_number}
        return {**self.words, **number}


def identity_of(raw: bytes) -> Identity:
    """Return the identity in a prompt's extra_data; an empty one where it is unusable or huge."""
    if len(raw) > LARGEST_TEXT_BYTES:
        return Identity()
    try:
        extra = read(raw, dict[str, Any])
    except Unreadable:
        return Identity()
    ours = plain(extra.get("scenewatch"), dict) or {}
    merged = {**extra, **ours}
    words = {key: text for key in WORDS if (text := _word(merged.get(key)))}
    created = extra.get("create_time")  # ComfyUI's own; a submitter must not date its prompts
    return Identity(
        client_id=_word(extra.get("client_id")),
        submitted_at=from_ms(created) if isinstance(created, int | float) else None,
        attempt_number=_count(merged.get("attempt")),
        words=words,
    )


def _word(value: Any) -> str | None:
    """Return a name for the record; a number counts as one ("run_id": 7)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 1 << 63 else ""
    return clean(value.strip(), 200) or None if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000
    return value if fits else None
