"""The workflows and GPUs that a list of runs can be filtered by: those of a team's newest runs."""

from collections import Counter
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


# Workload, title, story and GPU model of a run.
Newest = list[tuple[str | None, str | None, str | None, str | None]]


def newest_of(team: Team) -> Newest:
    """Return what tells the workflows and GPUs of a team's newest runs; one query."""
    newest = Run.objects.kept().filter(team=team).order_by("-began_at")
    return list(newest.values_list("workload", "title", "story_id", "gpu_model")[:AMONG])


def workflows_of(newest: Newest, chosen: str | None = None) -> list[Workflow]:
    """Return the workflows of the newest runs, most used first, and the chosen one with them."""
    names: dict[str, list[str]] = {}
    for digest, title, story, _ in newest:
        if digest:
            names.setdefault(digest, []).append(title or story or "")
    if chosen:
        names.setdefault(chosen, [])
    ordered = sorted(names, key=lambda digest: (digest != chosen, -len(names[digest])))
    return [Workflow(digest, _label(digest, names[digest])) for digest in ordered[:SHOWN]]


def gpus_of(newest: Newest, chosen: str | None = None) -> list[str]:
    """Return the GPU models of the newest runs, most used first, and the chosen one with them."""
    told = Counter(model for *_, model in newest if model)
    return list(dict.fromkeys([*([chosen] if chosen else []), *(m for m, _ in told.most_common())]))


def _label(digest: str, names: list[str]) -> str:
    name = next((name for name in names if name), "")
    of = f" · {plural(len(names), 'run')} lately" if names else ""
    return f"{name} {digest[:8]}".strip() + of
