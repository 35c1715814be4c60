"""What hangs on attempts: scripts' reports, poll logs, notes, memory, nodes."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db.models import Model

from history.imports.told import ToldAttempt, ToldPolls
from history.models import (
    Attempt,
    AttemptMemory,
    FallbackNote,
    NodeExecution,
    PollLog,
    Run,
    ScriptReport,
)
from history.polls import pack
from history.purge import contents, named
from history.words import Origin

# What only files tell: a newer one replaces it.
FROM_FILES: tuple[type[Model], ...] = (ScriptReport, PollLog, FallbackNote)
# What the collector measures better: of watched attempts a file's is not taken.
MEASURED: tuple[type[Model], ...] = (AttemptMemory, NodeExecution)

Row = tuple[Attempt, ToldAttempt]


def drop_attempts(ids: list[int]) -> None:
    """Delete attempts that an older file told of, and all that hangs on them."""
    if ids:
        for model, column in contents():
            delete(model, column, ids)
        delete(Attempt, "pk", ids)


def delete(model: type[Model], column: str, ids: list[int]) -> None:
    """Delete rows in one statement: Django's own deletion would load them."""
    rows = named(model, column, ids)
    rows._raw_delete(rows.db)


def write_details(told: list[Row], run: Run, at: datetime, known: set[int]) -> None:
    """Write what hangs on attempts; `known` are those that were there before."""
    own = [(row, attempt) for row, attempt in told if row.origin == Origin.FILE]
    stale = {model: sorted(known) for model in FROM_FILES}
    stale |= {model: sorted(known & {row.pk for row, _ in own}) for model in MEASURED}
    for model, ids in stale.items():
        if ids:
            delete(model, "attempt_id", ids)
    _write_scripts(told, at)
    _write_notes(told, run)
    _write_measured(own)


def _write_scripts(told: list[Row], at: datetime) -> None:
    ScriptReport.objects.bulk_create(
        ScriptReport(attempt=row, **columns_of(a.script)) for row, a in told if a.script
    )
    PollLog.objects.bulk_create(_poll_log(row, a.polls, at) for row, a in told if a.polls)


def _poll_log(row: Attempt, polls: ToldPolls, at: datetime) -> PollLog:
    times = [told for told in polls.at if told is not None]
    return PollLog(
        attempt=row,
        filed_at=at,
        count=len(polls.answers),
        pending_count=polls.answers.count("p"),
        success_count=polls.answers.count("s"),
        error_count=polls.answers.count("e"),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        packed=pack(polls),
    )


def _write_notes(told: list[Row], run: Run) -> None:
    place_of = {"team_id": run.team_id, "began_at": run.began_at}
    FallbackNote.objects.bulk_create(
        FallbackNote(
            attempt=row, scene_id=row.scene_id, place=place, **place_of, **columns_of(note)
        )
        for row, attempt in told
        for place, note in enumerate(attempt.notes)
    )


def _write_measured(told: list[Row]) -> None:
    AttemptMemory.objects.bulk_create(
        AttemptMemory(attempt=row, **columns_of(device))
        for row, attempt in told
        for device in {device.index: device for device in attempt.memory}.values()
    )
    NodeExecution.objects.bulk_create(
        NodeExecution(attempt=row, **columns_of(node))
        for row, attempt in told
        for node in {node.node: node for node in attempt.nodes}.values()
    )


def columns_of(told: Any) -> dict[str, Any]:
    """Return what is told as the columns of its row, whose names are the same."""
    return {one.name: getattr(told, one.name) for one in fields(told)}
