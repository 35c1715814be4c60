"""What the servers of a run ran on while it ran, by point. Pure."""

from collections.abc import Callable, Iterable, Sequence

from history.models import Run
from telemetry.models import Environment

POINTS: tuple[tuple[str, Callable[[Environment], str | None]], ...] = (
    ("ComfyUI", lambda one: one.comfyui_version),
    ("PyTorch", lambda one: one.pytorch_version),
    ("Python", lambda one: (one.python_version or "").partition(" ")[0] or None),
    ("Driver", lambda one: one.driver_version),
    ("Operating system", lambda one: one.os),
    ("ComfyUI's arguments", lambda one: " ".join(map(str, one.argv)) or None),
)


def at_the_time(run: Run, environments: Sequence[Environment]) -> list[Environment]:
    """Return the environments of one server, newest first, that were in force during a run."""
    until = run.ended_at or run.touched_at
    told = []
    for environment in environments:
        if environment.since <= until:
            told.append(environment)
        if environment.since <= run.began_at:
            break
    return told


def points_of(environments: Iterable[Environment]) -> dict[str, set[str]]:
    """Return the values of each point, those of packages and node packs by their names."""
    found = list(environments)
    told = {name: {v for one in found if (v := take(one))} for name, take in POINTS}
    for one in found:
        for kind, packs in (("Package", one.packages), ("Node pack", one.node_packs)):
            for name, version in packs.items():
                told.setdefault(f"{kind} {name}", set()).add(str(version))
    return told
