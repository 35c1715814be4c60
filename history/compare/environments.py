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


PACK = "Node pack"
NOT_THERE = "not installed"
UNVERSIONED = "no version told"


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
        for kind, packs in (("Package", one.packages), (PACK, one.node_packs or {})):
            for name, version in packs.items():
                told.setdefault(f"{kind} {name}", set()).add(str(version) or UNVERSIONED)
    return told


def knows_packs(environments: Iterable[Environment]) -> bool:
    """Say whether all of some environments tell their node packs, and there are any."""
    told = [one.node_packs is not None for one in environments]
    return bool(told) and all(told)


def without_others(
    run: dict[str, str], names: Iterable[str], *, packs_known: bool
) -> dict[str, str]:
    """Return a run's points with the packs that it did not have, where it is known which it had."""
    lacking = (name for name in names if packs_known and name.startswith(f"{PACK} "))
    return {**dict.fromkeys(lacking, NOT_THERE), **run}


def changed_packs(old: Environment, new: Environment) -> list[str]:
    """Return which packs came and went between two environments; none where one is not known."""
    if old.node_packs is None or new.node_packs is None:
        return []
    came, went = new.node_packs.keys() - old.node_packs, old.node_packs.keys() - new.node_packs
    return [
        *(f"{PACK} {name} {new.node_packs[name]}".rstrip() + " added" for name in sorted(came)),
        *(f"{PACK} {name} removed" for name in sorted(went)),
    ]
