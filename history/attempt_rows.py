"""The attempts that a batch speaks of: read at once, changed in memory, written at once."""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from history.failures.keeping import keep
from history.failures.signature import FAILING
from history.models import Attempt, Graph, NodeExecution
from history.run_rows import Place, drop_empty, place_of, scene_ids
from history.settling import note_servers, settle
from history.upsert import upsert
from history.words import Origin
from history.workloads import note_workloads
from telemetry import transitions as t
from telemetry.clock import lasted, now, seconds
from telemetry.graph import compressed
from telemetry.leases import Leased
from telemetry.transitions import Key, Transition
from telemetry.words import Outcome, Status


class RowKey(NamedTuple):
    """What makes an attempt one of its kind."""

    server_id: int
    prompt_id: str
    repeat: int


def row_key(leased: Leased, key: Key) -> RowKey:
    """Return the key of the attempt's row."""
    return RowKey(leased.server_id, key.prompt_id, key.repeat)


NATURAL = ("server", "prompt_id", "repeat")
# What stays as it was when the row was made.
KEPT = ("seen_at", "found_later")
# What only files tell (history/filing/).
FILED = {"origin", "timed_by", "frames"}
FIELDS = [f for f in Attempt._meta.concrete_fields if not f.primary_key and f.name not in FILED]
NODE_COLUMNS = (
    *("attempt", "node"),
    *("class_type", "started_at", "ended_at", "duration_s", "cached"),
)


class AttemptRows:
    """Attempts by key. `take` changes them in memory, `save` writes what changed.

    To be used under the fences of all servers that it speaks of: nobody else changes these rows.
    """

    def __init__(self, keys: set[RowKey], seen: list[tuple[Leased, t.AttemptSeen]]) -> None:
        self.rows = _loaded(keys)
        unfiled = [one for one in seen if not self._is_filed(*one)]
        self._scenes: dict[Place, int] = scene_ids(unfiled) if unfiled else {}
        self._changed: set[RowKey] = set()
        self._graphs: dict[RowKey, bytes] = {}
        self._works: dict[str, bytes] = {}
        self._nodes: dict[tuple[RowKey, str], t.NodeFinished] = {}
        self._left: set[int] = set()
        self._to_settle: set[RowKey] = set()
        self._placed: set[RowKey] = set()
        # What failed, or had before this was told.
        self._failed: set[RowKey] = set()

    def take(self, leased: Leased, change: Transition) -> None:
        """Change the attempt as the transition says; one that speaks of no attempt does nothing."""
        taker = TAKERS.get(type(change))
        if taker is not None:
            taker(self, leased, change)

    def pk(self, leased: Leased, key: Key) -> int | None:
        """Return the primary key of an attempt on record; only after `save`."""
        row = self.rows.get(row_key(leased, key))
        return row.pk if row else None

    # --- In memory ------------------------------------------------------------------------------

    def _seen(self, leased: Leased, change: t.AttemptSeen) -> None:
        key = row_key(leased, change.key)
        row = self.rows.get(key) or _new(key, change)
        self._put(key, row, self._scenes.get(place_of(leased, change)))
        for name, value in _told(change).items():
            if value is not None:
                setattr(row, name, value)
        row.waited_s = seconds(row.started_at, row.submitted_at)
        small = compressed(change.graph) if change.graph else None
        if small is not None:
            self._graphs[key] = small
            self._works[row.workload or ""] = change.graph or b""
        self._note(key, row)

    def _is_filed(self, leased: Leased, change: t.AttemptSeen) -> bool:
        """Say whether a file told to which scene an attempt belongs: there it stays."""
        row = self.rows.get(row_key(leased, change.key))
        return row is not None and row.origin != Origin.LIVE

    def _put(self, key: RowKey, row: Attempt, scene: int | None) -> None:
        if scene is None or row.scene_id == scene:
            return
        if row.scene_id is not None:
            self._left.add(row.scene_id)
        row.scene_id = scene
        self._placed.add(key)
        if row.outcome in FAILING:
            self._failed.add(key)

    def _note(self, key: RowKey, row: Attempt) -> None:
        self.rows[key] = row
        self._changed.add(key)

    def _started(self, leased: Leased, change: t.AttemptStarted) -> None:
        key = row_key(leased, change.key)
        row = self.rows.get(key)
        if row is not None and row.status != Status.ENDED:
            row.status, row.started_at = Status.RUNNING, change.started_at
            row.waited_s = seconds(row.started_at, row.submitted_at)
            self._note(key, row)

    def _ended(self, leased: Leased, change: t.AttemptEnded) -> None:
        key = row_key(leased, change.key)
        row = self.rows.get(key)
        if row is not None:
            if {row.outcome, change.outcome} & FAILING:
                self._failed.add(key)
            _end(row, change)
            self._note(key, row)
            self._to_settle.add(key)

    def _node(self, leased: Leased, change: t.NodeFinished) -> None:
        key = row_key(leased, change.key)
        if key in self.rows:
            self._nodes[key, change.node] = change

    # --- In the database ------------------------------------------------------------------------

    def save(self) -> None:
        """Write what changed; doing all of it again would change nothing."""
        self._save_attempts()
        self._save_graphs()
        self._save_nodes()
        drop_empty(self._left - {row.scene_id for row in self.rows.values()})
        self._works.pop("", None)
        note_workloads(self._works, now())
        placed = {self.rows[key].scene_id for key in self._placed}
        settle({self.rows[key].scene_id for key in self._to_settle} | placed, placed)
        note_servers(placed)
        keep(self.rows[key].pk for key in self._failed)

    def _save_attempts(self) -> None:
        told = upsert(
            Attempt,
            NATURAL,
            [field.name for field in FIELDS],
            (_values(self.rows[key]) for key in sorted(self._changed)),
            kept=KEPT,
            returning=("id", *NATURAL),
        )
        for pk, *natural in told:
            self.rows[RowKey(*natural)].pk = pk

    def _save_graphs(self) -> None:
        graphs = [
            Graph(attempt=self.rows[k], compressed=small) for k, small in self._graphs.items()
        ]
        if not graphs:
            return
        Graph.objects.bulk_create(
            graphs,
            update_conflicts=True,
            unique_fields=["attempt"],
            update_fields=["compressed"],
        )

    def _save_nodes(self) -> None:
        upsert(
            NodeExecution,
            NODE_COLUMNS[:2],
            NODE_COLUMNS,
            (_execution(self.rows[key].pk, change) for (key, _), change in self._nodes.items()),
        )


def _loaded(keys: set[RowKey]) -> dict[RowKey, Attempt]:
    if not keys:
        return {}
    servers = sorted({key.server_id for key in keys})
    prompts = sorted({key.prompt_id for key in keys})
    # Not through the ORM, which takes longer to write this query than the database to answer it.
    found = Attempt.objects.raw(
        f"SELECT * FROM {Attempt._meta.db_table} WHERE server_id IN ({_places(servers)})"
        f" AND prompt_id IN ({_places(prompts)})",
        [*servers, *prompts],
    )
    return {RowKey(row.server_id or 0, row.prompt_id, row.repeat): row for row in found}


def _places(values: list[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _new(key: RowKey, change: t.AttemptSeen) -> Attempt:
    return Attempt(
        server_id=key.server_id,
        prompt_id=key.prompt_id,
        repeat=key.repeat,
        seen_at=change.at,
        found_later=change.found_later,
    )


def _values(row: Attempt) -> list[Any]:
    """Return a row's values as the database takes them, in the order of FIELDS."""
    return [_plain(getattr(row, field.attname)) for field in FIELDS]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value) if isinstance(value, StrEnum) else value


def _told(change: t.AttemptSeen) -> dict[str, Any]:
    identity, facts = change.identity, change.facts
    return {
        "number": change.number,
        "attempt_number": identity.attempt_number,
        "client_id": identity.client_id,
        "submitter": identity.submitter,
        "workload": facts.workload,
        "node_count": facts.node_count or None,
        "extra_data": identity.kept,
        "submitted_at": change.submitted_at,
    }


def _end(row: Attempt, change: t.AttemptEnded) -> None:
    fault = change.fault or t.Fault()
    row.status, row.outcome = Status.ENDED, change.outcome
    row.outcome_grade, row.reason = change.grade, change.reason
    row.started_at = change.started_at or row.started_at
    row.ended_at = change.ended_at
    row.duration_s = _length(change)
    row.waited_s = seconds(row.started_at, row.submitted_at)
    row.cached_nodes = change.cached_nodes
    row.error_type, row.error_message = fault.type, fault.message
    row.error_node, row.error_node_type = fault.node, fault.node_type
    # A correction may come without the traceback, which the collector does not remember.
    row.traceback = fault.traceback or (row.traceback if fault.type else None)


def _length(change: t.AttemptEnded) -> float | None:
    """Return the duration in seconds; None where the end was not seen, only that it is gone."""
    if change.outcome is Outcome.LOST:
        return None
    return lasted(change.ended_at, change.started_at)


def _execution(attempt: int, change: t.NodeFinished) -> tuple[Any, ...]:
    """Return a node's values, in the order of NODE_COLUMNS."""
    length_s = seconds(change.ended_at, change.started_at)
    times = change.started_at, change.ended_at, length_s
    return attempt, change.node, change.class_type, *times, change.cached


TAKERS: dict[type[Any], Callable[[AttemptRows, Leased, Any], None]] = {
    t.AttemptSeen: AttemptRows._seen,
    t.AttemptStarted: AttemptRows._started,
    t.AttemptEnded: AttemptRows._ended,
    t.NodeFinished: AttemptRows._node,
}


def keys_of(leased: Leased, told: Iterable[Any]) -> set[RowKey]:
    """Return the attempts that changes, or lines of activity, speak of."""
    keys = (getattr(one, "key", None) for one in told)
    return {row_key(leased, key) for key in keys if key is not None}
