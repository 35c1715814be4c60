"""The workflows that a list of runs can be filtered by: those of a team's newest runs."""

from dataclasses import dataclass

from history.models import Run
from telemetry.models import Team
from telemetry.text import plural

# Of so many runs; whatever the history holds, one short walk of an index.
AMONG = 500
SHOWN = 30


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workload and what to call it: its newest run's title or story, and the digest's begin."""

    digest: str
    label: str


def workflows_of(team: Team, chosen: str | None = None) -> list[Workflow]:
    """Return the workflows of the newest runs, most used first, and the chosen one with them."""
    newest = Run.objects.filter(team=team).order_by("-began_at")
    told = newest.values_list("workload", "title", "story_id")[:AMONG]
    names: dict[str, list[str]] = {}
    for digest, title, story in told:
        if digest:
            names.setdefault(digest, []).append(title or story or "")
    if chosen:
        names.setdefault(chosen, [])
    ordered = sorted(names, key=lambda digest: (digest != chosen, -len(names[digest])))
    return [Workflow(digest, _label(digest, names[digest])) for digest in ordered[:SHOWN]]


def _label(digest: str, names: list[str]) -> str:
    name = next((name for name in names if name), "")
    of = f" · {plural(len(names), 'run')} lately" if names else ""
    return f"{name} {digest[:8]}".strip() + of
