"""What follows for scenes and runs from their attempts: counts, outcome, times; two statements.

Called in the transaction that changed the attempts, by the recorder and by imports alike, so that
lists and statistics read one table. The database does the work: the recorder shares its core with
all connections. The migration 0009_fill_sums holds a copy for rows of before.
"""

from collections.abc import Iterable
from functools import cache

from django.db import connection

from history.among import AMONG, among
from history.warmth import note_warmth

# Fewer frames than a scene must have are partial whatever ComfyUI says, none are a failure.
OUTCOME = """CASE WHEN a.outcome = 'success' AND a.frames < s.frame_floor
        THEN CASE WHEN a.frames = 0 THEN 'failed' ELSE 'partial' END ELSE a.outcome END"""

SCENES = """
UPDATE history_scene SET
    outcome = d.outcome, attempt_count = d.attempts, open_count = d.open,
    began_at = d.began_at, ended_at = d.ended_at, waited_s = d.waited_s, duration_s = d.duration_s,
    timed_by = d.timed_by, frames = d.frames, workload = d.workload, server_id = d.server_id,
    gpu_model = COALESCE(d.gpu_model, history_scene.gpu_model),
    cached = COALESCE(d.cached_nodes >= d.node_count, FALSE)
FROM (
    SELECT t.*, (
        SELECT NULLIF(v.model, '') FROM telemetry_device v WHERE v.server_id = t.server_id
        ORDER BY v.kind = 'cpu', v."index" LIMIT 1
    ) AS gpu_model,
    ROW_NUMBER() OVER (
        PARTITION BY t.scene_id ORDER BY
            CASE t.outcome WHEN 'success' THEN 0 WHEN 'partial' THEN 1 ELSE 2 END,
            t.outcome IS NULL, CASE t.outcome WHEN 'partial' THEN COALESCE(t.frames, -1) END DESC,
            t.at DESC, t.id DESC
    ) AS place
    FROM (
        SELECT a.id, a.scene_id, a.ended_at, a.waited_s, a.duration_s, a.timed_by, a.frames,
            a.workload, a.server_id, a.cached_nodes, a.node_count, {outcome} AS outcome,
            COALESCE(a.started_at, a.submitted_at, r.began_at) AS began_at,
            COALESCE(a.submitted_at, a.ended_at, a.seen_at) AS at,
            COUNT(*) OVER (PARTITION BY a.scene_id) AS attempts,
            SUM(CASE WHEN a.status = 'ended' THEN 0 ELSE 1 END)
                OVER (PARTITION BY a.scene_id) AS open
        FROM history_attempt a
        JOIN history_scene s ON s.id = a.scene_id JOIN history_run r ON r.id = s.run_id
        WHERE a.scene_id {among}
    ) t
) d
WHERE d.place = 1 AND history_scene.id = d.scene_id
"""

# By name: the shorter first, so that scene-2 comes before scene-10.
PLACES = """
UPDATE history_scene SET position = d.position
FROM (
    SELECT id, ROW_NUMBER() OVER (
        PARTITION BY run_id ORDER BY LENGTH(external_id), external_id
    ) - 1 AS position
    FROM history_scene WHERE run_id IN (SELECT run_id FROM history_scene WHERE id {among})
) d
WHERE history_scene.id = d.id AND COALESCE(history_scene.position, -1) <> d.position
"""

RUNS = """
UPDATE history_run SET
    scene_count = d.scenes, open_count = d.open, success_count = d.success,
    partial_count = d.partial, failed_count = d.failed, timeout_count = d.timeout,
    skipped_count = d.skipped, cancelled_count = d.cancelled, lost_count = d.lost,
    attempt_count = d.attempts, retried_count = d.retried, work_s = d.work_s,
    ended_at = CASE WHEN d.open = 0 THEN d.ended_at END,
    duration_s = CASE WHEN d.open = 0 AND d.ended_at >= d.began_at THEN {lasted} END,
    success_rate = CASE WHEN d.open = 0 AND d.told = d.scenes
        THEN d.success * 1.0 / NULLIF(d.scenes - d.skipped, 0) END,
    outcome = CASE
        WHEN d.open > 0 OR d.told < d.scenes THEN NULL
        WHEN d.skipped = d.scenes THEN 'skipped'
        WHEN d.success = d.scenes - d.skipped THEN 'success'
        WHEN d.success + d.partial > 0 THEN 'partial'
        WHEN d.failed > 0 THEN 'failed'
        WHEN d.timeout > 0 THEN 'timeout'
        WHEN d.lost > 0 THEN 'lost'
        ELSE 'cancelled' END,
    workload = CASE WHEN d.workload = d.last_workload THEN d.workload END,
    gpu_model = CASE WHEN d.gpu_model = d.last_gpu_model THEN d.gpu_model END,
    work = CASE WHEN d.known = d.scenes THEN {sha256} END, cached_count = d.cached
FROM (
    SELECT run_id, COUNT(*) AS scenes, COUNT(outcome) AS told,
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
        SUM(duration_s) AS work_s, MIN(began_at) AS began_at, MAX(ended_at) AS ended_at,
        MIN(workload) AS workload, MAX(workload) AS last_workload,
        MIN(gpu_model) AS gpu_model, MAX(gpu_model) AS last_gpu_model,
        COUNT(workload) AS known, {listed} AS listed,
        SUM(CASE WHEN cached THEN 1 ELSE 0 END) AS cached
    FROM (
        SELECT * FROM history_scene
        WHERE run_id IN (SELECT run_id FROM history_scene WHERE id {among})
        ORDER BY run_id, position
    ) s GROUP BY run_id
) d
WHERE history_run.id = d.run_id
"""

# The WHERE tells SQLite that ON begins no join.
SERVERS = """
INSERT INTO history_runserver (run_id, server_id, began_at)
SELECT DISTINCT s.run_id, a.server_id, r.began_at
FROM history_scene s
JOIN history_attempt a ON a.scene_id = s.id JOIN history_run r ON r.id = s.run_id
WHERE s.id {among} AND a.server_id IS NOT NULL
ON CONFLICT (run_id, server_id) DO UPDATE SET began_at = excluded.began_at
WHERE history_runserver.began_at <> excluded.began_at
"""

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
        _execute(PLACES, new)
    note_warmth(ids)
    _execute(RUNS, ids)


def note_servers(scene_ids: Iterable[int]) -> None:
    """Write down on which servers the runs of these scenes are."""
    ids = sorted(scene_ids)
    if ids:
        _execute(SERVERS, ids)


def _execute(text: str, ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor, text), [among(ids)])


@cache
def _statement(vendor: str, text: str) -> str:
    return text.format(
        outcome=OUTCOME,
        among=AMONG[vendor],
        lasted=LASTED[vendor],
        listed=LISTED[vendor],
        sha256=SHA256[vendor],
    )
