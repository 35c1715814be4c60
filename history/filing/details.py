"""What hangs on attempts: scripts' reports, poll logs, notes, memory, nodes."""

from datetime import datetime
from typing import Any

from django.db.models import Model

from history.filing.values import names_of, values_of
from history.imports.told import (
    ToldAttempt,
    ToldMemory,
    ToldNode,
    ToldNote,
    ToldPolls,
    ToldScript,
)
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
from history.upsert import insert
from history.words import Origin

# What only files tell: a newer one replaces it.
FROM_FILES: tuple[type[Model], ...] = (ScriptReport, PollLog, FallbackNote)
# What the collector measures better: of watched attempts a file's is not taken.
MEASURED: tuple[type[Model], ...] = (AttemptMemory, NodeExecution)

SCRIPT = ("attempt", *names_of(ToldScript))
POLLS = (
    *("attempt", "filed_at", "count", "pending_count", "success_count", "error_count"),
    *("first_at", "last_at", "packed"),
)
NOTE = ("team", "began_at", "scene", "attempt", "place", *names_of(ToldNote))
MEMORY = ("attempt", *names_of(ToldMemory))
NODE = ("attempt", *names_of(ToldNode))

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
    insert(ScriptReport, SCRIPT, ((row.pk, *values_of(a.script)) for row, a in told if a.script))
    insert(PollLog, POLLS, ((row.pk, at, *_counted(a.polls)) for row, a in told if a.polls))


def _counted(polls: ToldPolls) -> tuple[Any, ...]:
    """Return a poll log's counts, first and last time, and the log itself."""
    times = [told for told in polls.at if told is not None]
    counts = (polls.answers.count(answer) for answer in "pse")
    ends = min(times, default=None), max(times, default=None)
    return len(polls.answers), *counts, *ends, pack(polls)


def _write_notes(told: list[Row], run: Run) -> None:
    rows = (
        (run.team_id, run.began_at, row.scene_id, row.pk, place, *values_of(note))
        for row, attempt in told
        for place, note in enumerate(attempt.notes)
    )
    insert(FallbackNote, NOTE, rows)


def _write_measured(told: list[Row]) -> None:
    memory = (
        (row.pk, *values_of(device))
        for row, attempt in told
        for device in {device.index: device for device in attempt.memory}.values()
    )
    insert(AttemptMemory, MEMORY, memory)
    nodes = (
        (row.pk, *values_of(node))
        for row, attempt in told
        for node in {node.node: node for node in attempt.nodes}.values()
    )
    insert(NodeExecution, NODE, nodes)
