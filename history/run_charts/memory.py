"""The time of scenes by how much of the card's VRAM they took at most: one query more."""

from collections import defaultdict
from typing import Any

from django.db.models import Q

from history.charts.parts import Axis, Chart, Kind, Series, Shape, Unit, Value
from history.models import AttemptMemory, Run
from history.run_charts.reading import TITLES, Compared, name_of
from telemetry.text import NBSP, duration, gib, plural
from telemetry.words import Outcome

# Scenes beyond this many are not read: the newest runs' are, and the subtitle says of how many.
SCENES = 4000
# One look for each GPU model; a seventh shares the last.
LOOKS = (
    ("--c3", Shape.CIRCLE),
    ("--c2", Shape.DIAMOND),
    ("--c4", Shape.TRIANGLE),
    ("--c5", Shape.SQUARE),
    ("--c6", Shape.CROSS),
    ("--c1", Shape.CIRCLE),
)
COLUMNS = (
    *("attempt__scene__external_id", "attempt__scene__run", "attempt", "attempt__duration_s"),
    *("attempt__ended_at", "name", "total_bytes", "free_lowest_bytes", "attempt__scene__gpu_model"),
    *("free_before_bytes", "free_after_bytes"),
)
READ = ("free_lowest_bytes", "free_before_bytes", "free_after_bytes")
# Submitting scripts look before and after, and not between.
ENDS = "VRAM in use before or after, the larger"


def memory_of(read: Compared) -> Chart:
    """Return a dot for each completed scene of the run and of earlier ones like it."""
    runs = _within(read)
    rows = _fullest(_rows(runs))
    names = {run.pk: name_of(run) for run in runs}
    by_model: defaultdict[str, list[Value]] = defaultdict(list)
    for row in rows:
        model = row["attempt__scene__gpu_model"] or "GPU not told"
        by_model[model].append(_value(row, names, read.run.pk))
    series = [
        Series(model, tuple(values), *LOOKS[min(number, len(LOOKS) - 1)])
        for number, (model, values) in enumerate(sorted(by_model.items()))
    ]
    return Chart(
        Kind.DOTS,
        TITLES["memory"],
        _finding(rows, read.run.pk, len(runs)),
        Axis("time of a scene", Unit.SECONDS),
        tuple(series),
        x=Axis("most VRAM in use, share of the card", Unit.SHARE, from_zero=False),
        subtitle=_subtitle(rows, len(runs)),
        nothing=(
            "No scene here has both a time and the memory of its card on record. Servers that are"
            " watched tell it; so do submitting scripts that write VRAM, with the total of the"
            " card, into their files."
        ),
    )


def _subtitle(rows: list[dict[str, Any]], runs: int) -> str:
    told = f"Of {plural(runs, 'run')}"
    ends = sum(row["free_lowest_bytes"] is None for row in rows)
    return f"{told}; of {plural(ends, 'scene')} as read before and after it" if ends else told


def _within(read: Compared) -> list[Run]:
    """Return the run, and as many of the newest like it as have not too many scenes together."""
    runs, scenes = [read.run], read.run.scene_count
    for run in reversed(read.alike):
        scenes += run.scene_count
        if scenes > SCENES:
            break
        runs.append(run)
    return runs


def _rows(runs: list[Run]) -> list[dict[str, Any]]:
    ids = [run.pk for run in runs]
    known = Q()
    for name in READ:
        known |= Q(**{f"{name}__gte": 0})
    found = AttemptMemory.objects.filter(
        known,
        attempt__scene__run__in=ids,
        attempt__outcome=Outcome.SUCCESS,
        attempt__duration_s__gt=0,
        total_bytes__gt=0,
    )
    return list(found.order_by("attempt").values(*COLUMNS)[: 2 * SCENES])


def _fullest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each attempt the card that was fullest."""
    told: dict[int, dict[str, Any]] = {}
    for row in rows:
        known = told.get(row["attempt"])
        if known is None or _share(row) > _share(known):
            told[row["attempt"]] = row
    return list(told.values())


def _least_free(row: dict[str, Any]) -> int:
    """Return the least that was free; of what nobody sampled the lesser of before and after."""
    if row["free_lowest_bytes"] is not None:
        return int(row["free_lowest_bytes"])
    return min(int(row[name]) for name in READ if row[name] is not None)


def _share(row: dict[str, Any]) -> float:
    return float(1 - _least_free(row) / row["total_bytes"])


def _value(row: dict[str, Any], names: dict[int, str], own: int) -> Value:
    used, total = row["total_bytes"] - _least_free(row), row["total_bytes"]
    run, took = row["attempt__scene__run"], row["attempt__duration_s"]
    memory = f"{100 * _share(row):.0f}%, {gib(used)} of {gib(total)}{NBSP}GiB"
    return Value(
        _share(row),
        took,
        f"{names[run]}, {row['attempt__scene__external_id']}",
        duration(took),
        row["attempt__ended_at"],
        ((ENDS if row["free_lowest_bytes"] is None else "Most VRAM in use", memory),),
        is_this=run == own,
    )


def _finding(rows: list[dict[str, Any]], own: int, runs: int) -> str:
    mine = [row for row in rows if row["attempt__scene__run"] == own]
    if not mine:
        return "No scene of this run has both a time and its card's memory on record."
    fullest = max(mine, key=_share)
    earlier = [row for row in rows if row["attempt__scene__run"] != own]
    told = (
        f"The fullest scene of this run, {fullest['attempt__scene__external_id']}, took"
        f" {100 * _share(fullest):.0f}% of its card and {duration(fullest['attempt__duration_s'])}"
    )
    if not earlier:
        return f"{told}."
    most = max(map(_share, earlier))
    return f"{told}; in {plural(runs - 1, 'earlier run')} the most was {100 * most:.0f}%."
