"""Keep families of failures as the attempts on record have them, in the transaction that ends them.

Called with the attempts that failed, or did before. What is counted stands in their occurrences,
so doing it again changes nothing, and what a correction takes back is taken off. Locks go in one
order, whoever writes: the attempts, then the families by key. New families are inserted before any
is locked, so that nobody who holds one waits for another's insert.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count

from history.failures.changes import (
    COUNTED,
    Change,
    is_counted,
    new_family,
    occurrence_of,
    take,
)
from history.failures.told import AT_ONCE, Failure, failures_among
from history.models import FailureDecision, FailureFamily, FailureOccurrence
from history.purge import parted
from history.upsert import upsert

Key = tuple[int, str]
COLUMNS = ("attempt", "family", "run", "at", *COUNTED.values())
WRITTEN = (
    *("first_seen_at", "last_seen_at", "count", "run_count", *COUNTED, "message", "outcome"),
    *("state", "state_at", "state_by", "state_who"),
)


def occurrences_of(ids: Iterable[int]) -> list[FailureOccurrence]:
    """Return as what the attempts were counted."""
    parts = parted(sorted(ids), AT_ONCE)
    return [one for part in parts for one in FailureOccurrence.objects.filter(pk__in=part)]


def keep(attempt_ids: Iterable[int], dropped: Sequence[FailureOccurrence] = ()) -> int:
    """Bring the families of these attempts up to date; return how many failures were new.

    `dropped` are occurrences of attempts that are deleted in this transaction. Must be called in
    one, with attempts that are written in it, and once.
    """
    ids = sorted(set(attempt_ids))
    if not ids and not dropped:
        return 0
    failures = failures_among(ids)
    before = [*occurrences_of(ids), *dropped]
    if not failures and not before:
        return 0
    families = _families(failures, before)
    changes, written = _changes(failures, before, families)
    _write_occurrences(written, changes, {failure.attempt for failure in failures})
    _write_families(changes, families)
    return sum(len(change.anew) for change in changes.values())


def _families(failures: list[Failure], before: list[FailureOccurrence]) -> dict[int, FailureFamily]:
    """Return all families that are spoken of, locked, by id; those that are not there are made."""
    wanted = {failure.key: failure for failure in failures}
    while True:
        ids = _ids(wanted) | {one.family_id for one in before}
        rows = FailureFamily.objects.select_for_update().filter(pk__in=ids)
        families = {row.pk: row for row in rows.order_by("team_id", "signature")}
        # A purge may have deleted one meanwhile.
        if families.keys() == ids:
            return families


def _ids(wanted: dict[Key, Failure]) -> set[int]:
    found = _found(wanted)
    if missing := sorted(wanted.keys() - found.keys()):
        made = [new_family(wanted[key]) for key in missing]
        FailureFamily.objects.bulk_create(made, ignore_conflicts=True)
        found = _found(wanted)
    return set(found.values())


def _found(wanted: Iterable[Key]) -> dict[Key, int]:
    keys = set(wanted)
    rows = FailureFamily.objects.filter(
        team__in={team for team, _ in keys}, signature__in={digest for _, digest in keys}
    )
    told = rows.order_by().values_list("team", "signature", "pk")
    return {(team, digest): pk for team, digest, pk in told if (team, digest) in keys}


def _changes(
    failures: list[Failure], before: list[FailureOccurrence], families: dict[int, FailureFamily]
) -> tuple[dict[int, Change], list[FailureOccurrence]]:
    """Return what changes for each family, and the occurrences that are to be written."""
    by_key = {(family.team_id, family.signature): family for family in families.values()}
    known = {one.attempt_id: one for one in before}
    changes: defaultdict[int, Change] = defaultdict(Change)
    written = []
    for failure in failures:
        old, family = known.pop(failure.attempt, None), by_key[failure.key]
        new = occurrence_of(failure, family)
        if old is not None and is_counted(new, old):
            continue
        changes[family.pk].gained.append(failure)
        if old is None or old.family_id != family.pk:
            changes[family.pk].anew.append(failure)
        if old is not None:
            changes[old.family_id].lost.append(old)
        written.append(new)
    for old in known.values():
        changes[old.family_id].lost.append(old)
    return changes, written


def _write_occurrences(
    written: list[FailureOccurrence], changes: dict[int, Change], failing: set[int]
) -> None:
    upsert(FailureOccurrence, COLUMNS[:1], COLUMNS, (_values(one) for one in written))
    lost = {one.attempt_id for change in changes.values() for one in change.lost} - failing
    if lost:
        FailureOccurrence.objects.filter(pk__in=lost).delete()


def _values(occurrence: FailureOccurrence) -> tuple[Any, ...]:
    told = occurrence.attempt_id, occurrence.family_id, occurrence.run_id, occurrence.at
    return *told, *(getattr(occurrence, name) for name in COUNTED.values())


def _write_families(changes: dict[int, Change], families: dict[int, FailureFamily]) -> None:
    """Write what changed; in how many runs they are is counted anew where one came or went."""
    now_in = _in_runs(changes)
    for pk, change in changes.items():
        family, steps = families[pk], change.of_runs()
        now = {run: now_in[pk, run] for run in steps}
        runs = sum((now[run] > 0) - (now[run] - step > 0) for run, step in steps.items())
        if take(family, change, runs):
            state = {"at": family.state_at, "state": family.state}
            FailureDecision.objects.create(family=family, **state)
        if change.lost:
            _look_back(family)
        family.save(update_fields=WRITTEN)


def _in_runs(changes: dict[int, Change]) -> Counter[tuple[int, int]]:
    """Return how often each family is in each of the runs that changed."""
    runs = {run for change in changes.values() for run in change.of_runs()}
    rows = FailureOccurrence.objects.filter(family__in=changes, run__in=runs).order_by()
    told = rows.values_list("family", "run").annotate(n=Count("pk"))
    return Counter({(family, run): n for family, run, n in told})


def _look_back(family: FailureFamily) -> None:
    """Take the last time anew from what is left; where nothing is, it stays."""
    newest = family.occurrences.order_by("-at").values_list("at", flat=True).first()
    family.last_seen_at = newest or family.last_seen_at
