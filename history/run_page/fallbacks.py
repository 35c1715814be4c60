"""What scripts had to make do with in a run, by kind, and how often that happened elsewhere."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count

from history.models import FallbackNote, Run
from history.run_page.reading import Read
from history.words import fallback_label
from telemetry.text import plural

TONES = {"info": ("mute", "s-info"), "warning": ("warn", "s-warn"), "error": ("bad", "s-failed")}
NAMED = 4
NONE = "Its files tell of none."
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
        """Return in how many runs it happened: as many as the list has that this leads to."""
        return f"in {self.runs:,} runs, with this one" if self.runs > 1 else "in this run alone"


def fallbacks_of(read: Read) -> list[Fallback]:
    """Return the run's notes by kind, gravest first; two queries for all kinds."""
    by_kind: defaultdict[str, list[Any]] = defaultdict(list)
    for note in read.notes:
        by_kind[note.category].append(note)
    if not by_kind:
        return []
    found = FallbackNote.objects.filter(team=read.run.team_id, category__in=by_kind)
    found = found.filter(scene__run__deleted_at=None).order_by()
    counts = dict(found.values_list("category").annotate(Count("scene__run", distinct=True)))
    firsts = FallbackNote.objects.filter(pk__in=[notes[0].pk for notes in by_kind.values()])
    texts = dict(firsts.values_list("category", "text"))
    told = [
        _fallback(kind, notes, _scenes(notes, read), counts.get(kind, 1), texts.get(kind, ""))
        for kind, notes in by_kind.items()
    ]
    order = list(TONES)
    return sorted(told, key=lambda one: (-order.index(one.severity), one.label))


def without_any(run: Run) -> str:
    """Return what is said where there are no notes: whether there were none, or nobody told."""
    return NONE if run.revision else NOT_TOLD


def _scenes(notes: list[Any], read: Read) -> str:
    """Return the scenes of notes by name, or how many they are."""
    of = {note.scene for note in notes}
    if len(of) > NAMED:
        return plural(len(of), "scene")
    return ", ".join(scene.external_id for scene in read.all_scenes if scene.pk in of)


def _fallback(kind: str, notes: list[Any], scenes: str, runs: int, told: str) -> Fallback:
    worst = max(notes, key=lambda note: list(TONES).index(note.severity)).severity
    tone, icon = TONES[worst]
    text = told.strip().splitlines()[0][:200] if told.strip() else ""
    query = urlencode({"note": kind})
    return Fallback(kind, fallback_label(kind), tone, icon, worst, scenes, text, runs, query)
