"""What to call a prompt: its scene and story where the submitter named them. Pure."""

import re
from dataclasses import dataclass

from telemetry.identity import Identity
from telemetry.transitions import Key

_SCENE = re.compile(r"scene[-_ ]?0*(\d{1,6})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Title:
    """A prompt's name, and what it belongs to ("" where nobody said)."""

    name: str
    of: str

    def __str__(self) -> str:
        return f"{self.name} of {self.of}" if self.of else self.name


def title_of(key: Key, identity: Identity | None) -> Title:
    """Return "Scene 7" of its story, else the first characters of the prompt_id."""
    words = identity.words if identity else {}
    of = words.get("story_title") or words.get("story_id") or words.get("run_id") or ""
    scene = words.get("scene_title") or _scene(words.get("scene_id"))
    return Title(scene or f"Prompt {key.prompt_id[:8] or '(empty id)'}", of)


def _scene(scene_id: str | None) -> str | None:
    if scene_id is None:
        return None
    match = _SCENE.match(scene_id)
    return f"Scene {match[1]}" if match else scene_id
