"""Our own export (docs/imports.md): strict, for we wrote it; what does not fit is told by path."""

import dataclasses
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import msgspec

from history.imports.errors import Unreadable
from history.imports.fields import NotFinite
from history.imports.text import LONGEST_PROSE, tidy
from history.imports.times import EARLIEST, LATEST
from history.imports.told import ToldRun

FORMAT, VERSION = "scenewatch-runs", 1
# Of a run, what is not told in the document: it follows from it, or from who imports it.
DERIVED = ("kind", "sha256", "content")


def is_own(value: Any) -> bool:
    """Say whether JSON is our own export, of whatever version."""
    return isinstance(value, dict) and value.get("format") == FORMAT


def runs_of_own(value: dict[str, Any]) -> list[tuple[ToldRun, Any]]:
    """Return the runs of an export, each with its content; raises Unreadable."""
    if value.get("version") != VERSION or isinstance(value.get("version"), bool):
        told = str(value.get("version"))[:20]
        raise Unreadable(f"It is an export of version {told}; this site reads version {VERSION}")
    runs = value.get("runs")
    if not isinstance(runs, list):
        raise Unreadable("runs is missing, or no list")
    return [_run(_cleaned(run), f"runs[{place}]") for place, run in enumerate(runs)]


def _run(content: Any, path: str) -> tuple[ToldRun, Any]:
    if not isinstance(content, dict):
        raise Unreadable(f"{path} is no object")
    try:
        told = {key: value for key, value in content.items() if key not in DERIVED}
        run = msgspec.convert({**told, "kind": f"{FORMAT}-{VERSION}"}, ToldRun)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Unreadable(f"{path}: {str(error)[:300]}") from None
    ids = [scene.external_id for scene in run.scenes]
    if len(set(ids)) < len(ids):
        raise Unreadable(f"{path}.scenes: two scenes have one external_id")
    _hold_times(run, path)
    return run, content


def _cleaned(value: Any) -> Any:
    """Return JSON whose texts and numbers can be kept."""
    if isinstance(value, str):
        plain = str(value) if isinstance(value, NotFinite) else value
        return plain if plain.isprintable() else tidy(plain, max(len(plain), LONGEST_PROSE))
    if isinstance(value, float) and not isfinite(value):
        # JSON has no end to its numbers; databases keep none that is without end.
        return str(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(one) for key, one in value.items()}
    return value


def _hold_times(told: Any, path: str) -> None:
    """Bring every time to UTC; raises Unreadable for one that is none of a run."""
    for name in (field.name for field in dataclasses.fields(told)):
        value = getattr(told, name)
        if isinstance(value, datetime):
            setattr(told, name, _utc(value, f"{path}.{name}"))
        elif isinstance(value, list):
            for place, one in enumerate(value):
                if dataclasses.is_dataclass(one) and not _is_frozen(one):
                    _hold_times(one, f"{path}.{name}[{place}]")
                elif isinstance(one, datetime):
                    value[place] = _utc(one, f"{path}.{name}[{place}]")
        elif dataclasses.is_dataclass(value) and not _is_frozen(value):
            _hold_times(value, f"{path}.{name}")


def _is_frozen(value: Any) -> bool:
    """Say whether a value cannot be changed; those of ours hold no times."""
    return bool(type(value).__dataclass_params__.frozen)


def _utc(at: datetime, path: str) -> datetime:
    try:
        told = at.astimezone(UTC)
    except OverflowError:
        told = EARLIEST.replace(year=1)
    if not EARLIEST <= told < LATEST:
        raise Unreadable(f"{path}: {at.isoformat()} is no time of a run")
    return told


def plain_of(run: ToldRun) -> dict[str, Any]:
    """Return a run as the export writes it: JSON types, without what is missing."""
    told = _without_missing(msgspec.to_builtins(dataclasses.replace(run, content=None)))
    return {key: value for key, value in told.items() if key not in DERIVED}


def _without_missing(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_missing(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in (None, "", [], {})}
    return [_without_missing(one) for one in value] if isinstance(value, list) else value
