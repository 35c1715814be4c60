"""What follows for scenes and runs from their attempts: counts, outcome, times.

Called in the transaction that changed the attempts, by the recorder and by imports alike, so that
lists and statistics read one table. The database does the work: the recorder shares its core with
all connections. The migration 0009_fill_sums holds a copy for rows of before.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import connection

from history.among import AMONG, among
from history.warmth import note_warmth

# Fewer frames than a scene must have are partial whatever ComfyUI says, none are a failure.
OUTCOME = """CASE WHEN a.outcome = 'success' AND a.frames < history_scene.frame_floor
        THEN CASE WHEN a.frames = 0 THEN 'failed' ELSE 'partial' END ELSE a.outcome END"""

# In all of these what belongs to a row is asked for that row, and no table is joined to another:
# where PostgreSQL takes tables for empty, as after a purge of all that was in them, it plans joins
# as loops within loops, and for a thousand scenes those take minutes. OFFSET 0 changes no
# answer; it keeps PostgreSQL from making such a join of EXISTS.
SCENES = """
UPDATE history_scene SET (
    outcome, attempt_count, open_count, began_at, ended_at, waited_s, duration_s, timed_by, frames,
    workload, server_id, gpu_model, cached
) = (
    SELECT t.outcome, t.attempts, t.open, t.began_at, t.ended_at, t.waited_s, t.duration_s,
        t.timed_by, t.frames, t.workload, t.server_id,
        COALESCE((
            SELECT NULLIF(v.model, '') FROM telemetry_device v WHERE v.server_id = t.server_id
            ORDER BY v.kind = 'cpu', v."index" LIMIT 1
        ), history_scene.gpu_model),
        COALESCE(t.cached_nodes >= t.node_count, FALSE)
    FROM (
        SELECT a.id, a.ended_at, a.waited_s, a.duration_s, a.timed_by, a.frames, a.workload,
            a.server_id, a.cached_nodes, a.node_count, {outcome} AS outcome,
            COALESCE(a.started_at, a.submitted_at, (
                SELECT r.began_at FROM history_run r WHERE r.id = history_scene.run_id
            )) AS began_at,
            COALESCE(a.submitted_at, a.ended_at, a.seen_at) AS at,
            COUNT(*) OVER () AS attempts,
            SUM(CASE WHEN a.status = 'ended' THEN 0 ELSE 1 END) OVER () AS open
        FROM history_attempt a WHERE a.scene_id = history_scene.id
    ) t
    ORDER BY CASE t.outcome WHEN 'success' THEN 0 WHEN 'partial' THEN 1 ELSE 2 END,
        t.outcome IS NULL, CASE t.outcome WHEN 'partial' THEN COALESCE(t.frames, -1) END DESC,
        t.at DESC, t.id DESC
    LIMIT 1
)
WHERE id {among} AND EXISTS (
    SELECT 1 FROM history_attempt a WHERE a.scene_id = history_scene.id LIMIT 1 OFFSET 0
)
"""

# By name: the shorter first, so that scene-2 comes before scene-10.
MISPLACED = """
SELECT id, place FROM (
    SELECT id, position, ROW_NUMBER() OVER (
        PARTITION BY run_id ORDER BY LENGTH(external_id), external_id
    ) - 1 AS place
    FROM history_scene WHERE run_id {of_runs}
) d
WHERE COALESCE(position, -1) <> place
"""

PLACES = """
UPDATE history_scene SET position = d.place FROM {pairs} WHERE history_scene.id = d.id
"""

# A scene begins with the attempt that counts; a run with its first, which may have failed.
RUNS = """
UPDATE history_run SET (
    scene_count, open_count, success_count, partial_count, failed_count, timeout_count,
    skipped_count, cancelled_count, lost_count, attempt_count, retried_count, work_s,
    ended_at, duration_s, success_rate, outcome, workload, gpu_model, work, cached_count
) = (
    SELECT d.scenes, d.open, d.success, d.partial, d.failed, d.timeout,
        d.skipped, d.cancelled, d.lost, d.attempts, d.retried, d.work_s,
        CASE WHEN d.open = 0 THEN d.ended_at END,
        CASE WHEN d.open = 0 AND d.ended_at >= d.began_at THEN {lasted} END,
        CASE WHEN d.open = 0 AND d.told = d.scenes
            THEN d.success * 1.0 / NULLIF(d.scenes - d.skipped, 0) END,
        CASE
            WHEN d.open > 0 OR d.told < d.scenes THEN NULL
            WHEN d.skipped = d.scenes THEN 'skipped'
            WHEN d.success = d.scenes - d.skipped THEN 'success'
            WHEN d.success + d.partial > 0 THEN 'partial'
            WHEN d.failed > 0 THEN 'failed'
            WHEN d.timeout > 0 THEN 'timeout'
            WHEN d.lost > 0 THEN 'lost'
            ELSE 'cancelled' END,
        CASE WHEN d.workload = d.last_workload THEN d.workload END,
        CASE WHEN d.gpu_model = d.last_gpu_model THEN d.gpu_model END,
        CASE WHEN d.known = d.scenes THEN {sha256} END, d.cached
    FROM (
        SELECT COUNT(*) AS scenes, COUNT(outcome) AS told,
            SUM(CASE WHEN open_count > 0 THEN 1 ELSE 0 END) AS open,
            COUNT(*) FILTER (WHERE outcome = 'success') AS success,
            COUNT(*) FILTER (WHERE outcome = 'partial') AS partial,
            COUNT(*) FILTER (WHERE outcome = 'failed') AS failed,
            COUNT(*) FILTER (WHERE outcome = 'timeout') AS timeout,
            COUNT(*) FILTER (WHERE outcome = 'skipped') AS skipped,
            COUNT(*) FILTER (WHERE outcome = 'cancelled') AS cancelled,
            COUNT(*) FILTER (WHERE outcome = 'lost') AS lost,
            SUM(attempt_count) AS attempts,
            SUM(CASE WHEN attempt_count > 1 THEN 1 ELSE 0 END) AS retried,
            SUM(duration_s) AS work_s, MAX(ended_at) AS ended_at,
            CASE WHEN SUM(attempt_count) > COUNT(*) THEN (
                SELECT MIN(COALESCE(a.started_at, a.submitted_at, history_run.began_at))
                FROM history_attempt a WHERE a.scene_id IN (
                    SELECT t.id FROM history_scene t WHERE t.run_id = history_run.id
                )
            ) ELSE MIN(began_at) END AS began_at,
            MIN(workload) AS workload, MAX(workload) AS last_workload,
            MIN(gpu_model) AS gpu_model, MAX(gpu_model) AS last_gpu_model,
            COUNT(workload) AS known, {listed} AS listed,
            SUM(CASE WHEN cached THEN 1 ELSE 0 END) AS cached
        FROM (
            SELECT s.* FROM history_scene s WHERE s.run_id = history_run.id ORDER BY s.position
        ) o
    ) d
)
WHERE id {of_runs}
"""

# The WHERE tells SQLite that ON begins no join.
SERVERS = """
INSERT INTO history_runserver (run_id, server_id, began_at)
SELECT d.run_id, d.server_id, (SELECT r.began_at FROM history_run r WHERE r.id = d.run_id)
FROM (
    SELECT DISTINCT a.server_id,
        (SELECT s.run_id FROM history_scene s WHERE s.id = a.scene_id) AS run_id
    FROM history_attempt a WHERE a.scene_id {among} AND a.server_id IS NOT NULL
) d
WHERE TRUE
ON CONFLICT (run_id, server_id) DO UPDATE SET began_at = excluded.began_at
WHERE history_runserver.began_at <> excluded.began_at
"""

# Of the runs of these scenes, looked up once.
OF_RUNS = {
    "postgresql": "= ANY(ARRAY(SELECT DISTINCT run_id FROM history_scene WHERE id {among}))",
    "sqlite": "IN (SELECT run_id FROM history_scene WHERE id {among})",
}
# Lists whose length PostgreSQL knows, so that it looks up each id, or all of them at once.
PAIRS = {
    "postgresql": "unnest(%s::bigint[], %s::bigint[]) AS d(id, place)",
    "sqlite": "(SELECT i.value AS id, p.value AS place FROM json_each(%s) i"
    " JOIN json_each(%s) p ON p.key = i.key) d",
}
LASTED = {
    "postgresql": "EXTRACT(EPOCH FROM d.ended_at - d.began_at)",
    "sqlite": "ROUND((julianday(d.ended_at) - julianday(d.began_at)) * 86400, 3)",
}
# A run's work: what its scenes' workloads are, in their order (history/invented/ has it too).
LISTED = {
    "postgresql": "STRING_AGG(workload, ',' ORDER BY position)",
    # In the order of the rows below it: SQLite before 3.44 knows no other.
    "sqlite": "GROUP_CONCAT(workload, ',')",
}
SHA256 = {
    "postgresql": "ENCODE(SHA256(CONVERT_TO(d.listed, 'UTF8')), 'hex')",
    "sqlite": "SHA256(d.listed)",
}


def settle(scene_ids: Iterable[int], placed: Iterable[int] | None = None) -> None:
    """Bring these scenes, then the runs that hold them, up to date with the attempts.

    `placed` are those that are new to their run; without it all are taken to be.
    """
    ids = sorted(scene_ids)
    if not ids:
        return
    _execute(SCENES, ids)
    new = ids if placed is None else sorted(placed)
    if new:
        _place(new)
    note_warmth(ids)
    _execute(RUNS, ids)


def note_servers(scene_ids: Iterable[int]) -> None:
    """Write down on which servers the runs of these scenes are."""
    ids = sorted(scene_ids)
    if ids:
        _execute(SERVERS, ids)


def _place(ids: list[int]) -> None:
    """Number the scenes of the runs of these: written are those that stand elsewhere now."""
    moved = _execute(MISPLACED, ids)
    if moved:
        _execute(PLACES, *(list(column) for column in zip(*moved, strict=True)))


def _execute(text: str, *lists: list[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor, text), [among(one) for one in lists])
        return cursor.fetchall() if cursor.description else []


@cache
def _statement(vendor: str, text: str) -> str:
    return text.format(
        outcome=OUTCOME,
        among=AMONG[vendor],
        of_runs=OF_RUNS[vendor].format(among=AMONG[vendor]),
        pairs=PAIRS[vendor],
        lasted=LASTED[vendor],
        listed=LISTED[vendor],
        sha256=SHA256[vendor],
    )
