"""What scripts had to make do with in a run, by kind, and how often that happened elsewhere."""

from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count

from history.models import FallbackNote, Run
from telemetry.text import plural

LABELS = {
    "stats_incomplete": "Memory missing in ComfyUI's statistics",
    "stats_smi": "Memory read from nvidia-smi",
    "stats_unavailable": "ComfyUI's statistics unavailable",
    "legacy_smi": "Memory read from nvidia-smi",
    "unstable_frames": "Frames still being written",
    "forced_copy": "Frames copied before they were done",
    "done_marker_missing": "Done marker not found",
    "script_error": "The submitting script failed",
    "backpressure": "Held back by a full queue",
    "other": "Other notes",
}
TONES = {"info": ("mute", "s-info"), "warning": ("warn", "s-warn"), "error": ("bad", "s-failed")}
NAMED = 4
NONE = "None: nothing had to be made do with."
NOT_TOLD = "Not known: only files tell of fallback warnings, and none was imported for this run."


@dataclass(frozen=True, slots=True)
class Fallback:
    """Notes of one kind: where, the text of the first, and in how many runs there are such."""

    category: str
    label: str
    tone: str
    icon: str
    severity: str
    scenes: str
    text: str
    runs: int
    query: str

    @property
    def elsewhere(self) -> str:
        """Return how often it happened, in words."""
        others = self.runs - 1
        return f"in {plural(others, 'other run')}" if others else "in no other run"


def fallbacks_of(run: Run, notes: list[FallbackNote]) -> list[Fallback]:
    """Return the notes by kind, gravest first; one query for all kinds."""
    by_kind: defaultdict[str, list[FallbackNote]] = defaultdict(list)
    for note in notes:
        by_kind[note.category].append(note)
    if not by_kind:
        return []
    found = FallbackNote.objects.filter(team=run.team_id, category__in=by_kind).order_by()
    counts = dict(found.values_list("category").annotate(Count("scene__run", distinct=True)))
    told = [_fallback(kind, of_kind, counts[kind]) for kind, of_kind in by_kind.items()]
    order = list(TONES)
    return sorted(told, key=lambda one: (-order.index(one.severity), one.label))


def without_any(run: Run) -> str:
    """Return what is said where there are no notes: whether there were none, or nobody told."""
    return NONE if run.revision else NOT_TOLD


def _fallback(kind: str, notes: list[FallbackNote], runs: int) -> Fallback:
    worst = max(notes, key=lambda note: list(TONES).index(note.severity)).severity
    scenes_of = sorted({note.scene for note in notes}, key=lambda scene: scene.position or 0)
    names = [scene.external_id for scene in scenes_of]
    scenes = ", ".join(names) if len(names) <= NAMED else plural(len(names), "scene")
    tone, icon = TONES[worst]
    label = LABELS.get(kind, kind.replace("_", " ").capitalize())
    text = notes[0].text.strip().splitlines()[0][:200] if notes[0].text.strip() else ""
    query = urlencode({"note": kind})
    return Fallback(kind, label, tone, icon, worst, scenes, text, runs, query)
