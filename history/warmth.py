"""Whether scenes began warm: from what their server did just before, as far as it is on record."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

from history.among import AMONG, among
from history.baseline.fingerprint import Model
from history.baseline.work import Warmth, warmth_of
from history.models import Scene

# Whose times are a script's waited for others meanwhile: nobody knows when its work began. Only
# what was at work before counts, so that a scene is not its own forerunner.
BEFORE = """
SELECT s.id, s.warmth, mine.files, his.files, before.error_type, EXISTS (
        SELECT 1 FROM history_activityevent e WHERE e.server_id = s.server_id
        AND e.kind = 'restarted' AND e.at >= before.ended_at AND e.at <= s.began_at
    )
FROM history_scene s
JOIN history_workload mine ON mine.digest = s.workload
LEFT JOIN history_attempt before ON before.id = (
    SELECT b.id FROM history_attempt b
    WHERE b.server_id = s.server_id AND b.ended_at <= s.began_at AND b.started_at < s.began_at
    ORDER BY b.ended_at DESC LIMIT 1
)
LEFT JOIN history_workload his ON his.digest = before.workload
WHERE s.id {among} AND s.ended_at IS NOT NULL AND s.duration_s IS NOT NULL
    AND s.timed_by = 'comfyui' AND s.server_id IS NOT NULL
"""
# ComfyUI drops its models when memory runs out.
DROPPED = "OutOfMemory"


def note_warmth(scene_ids: Iterable[int]) -> None:
    """Write down of these scenes that have ended whether they began warm, where that is known."""
    changed: defaultdict[Warmth, list[int]] = defaultdict(list)
    for pk, was, mine, before, error, restarted in _rows(list(scene_ids)):
        dropped = restarted or DROPPED in (error or "")
        warmth = warmth_of(_models(mine) or (), _models(before), dropped)
        if warmth != was:
            changed[warmth].append(pk)
    for warmth, ids in changed.items():
        Scene.objects.filter(pk__in=ids).update(warmth=warmth)


def _rows(ids: list[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(BEFORE.format(among=AMONG[connection.vendor]), [among(ids)])
        return list(cursor.fetchall())


def _models(told: str | None) -> tuple[Model, ...] | None:
    return None if told is None else tuple(Model(*model) for model in json.loads(told))
