"""Fill what runs and scenes now tell of themselves, as history/settling.py did at the time."""

from django.db import migrations

OUTCOME = """CASE WHEN a.outcome = 'success' AND a.frames < s.frame_floor
        THEN CASE WHEN a.frames = 0 THEN 'failed' ELSE 'partial' END ELSE a.outcome END"""

SCENES = """
UPDATE history_scene SET
    outcome = d.outcome, attempt_count = d.attempts, open_count = d.open,
    began_at = d.began_at, ended_at = d.ended_at, waited_s = d.waited_s, duration_s = d.duration_s,
    timed_by = d.timed_by, frames = d.frames, workload = d.workload, server_id = d.server_id,
    gpu_model = COALESCE(d.gpu_model, history_scene.gpu_model)
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
            a.workload, a.server_id, {outcome} AS outcome,
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
    gpu_model = CASE WHEN d.gpu_model = d.last_gpu_model THEN d.gpu_model END
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
        MIN(gpu_model) AS gpu_model, MAX(gpu_model) AS last_gpu_model
    FROM history_scene WHERE run_id {among} GROUP BY run_id
) d
WHERE history_run.id = d.run_id
"""

SERVERS = """
INSERT INTO history_runserver (run_id, server_id, began_at)
SELECT DISTINCT s.run_id, a.server_id, r.began_at
FROM history_scene s
JOIN history_attempt a ON a.scene_id = s.id JOIN history_run r ON r.id = s.run_id
WHERE s.id {among} AND a.server_id IS NOT NULL
ON CONFLICT (run_id, server_id) DO UPDATE SET began_at = excluded.began_at
WHERE history_runserver.began_at <> excluded.began_at
"""

AMONG = "BETWEEN %s AND %s"
LASTED = {
    "postgresql": "EXTRACT(EPOCH FROM d.ended_at - d.began_at)",
    "sqlite": "ROUND((julianday(d.ended_at) - julianday(d.began_at)) * 86400, 3)",
}

TEAMS = """
UPDATE history_scene SET team_id = (SELECT team_id FROM history_run r WHERE r.id = run_id)
WHERE id BETWEEN %s AND %s
"""
# So many rows at once: a whole table in one statement would hold up everybody.
PART = 50_000


def fill(apps, schema_editor):
    for text, model in ((TEAMS, "Scene"), (SCENES, "Scene"), (SERVERS, "Scene"), (RUNS, "Run")):
        newest = apps.get_model("history", model).objects.order_by("-pk").first()
        statement = text.format(
            outcome=OUTCOME, among=AMONG, lasted=LASTED[schema_editor.connection.vendor]
        )
        for first in range(0, newest.pk + 1 if newest else 0, PART):
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(statement, [first, first + PART - 1])


class Migration(migrations.Migration):

    dependencies = [
        ("history", "0008_sums_of_runs_and_scenes"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
