"""GET /api/jobs: queue and history in one list."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .nodes import Json
from .queue import PromptQueue, QueueItem

STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
SORT_KEYS: Mapping[str, Callable[[Json], float]] = {
    "created_at": lambda job: job.get("create_time") or 0,
    "execution_duration": lambda job: (
        job.get("execution_end_time", 0) - job.get("execution_start_time", 0)
    ),
}
ENDS = ("execution_success", "execution_error", "execution_interrupted")


class BadQuery(Exception):
    """A 400 with this text."""


def list_jobs(queue: PromptQueue, query: Mapping[str, str]) -> Json:
    """Return one page of jobs, newest first unless asked otherwise."""
    statuses = _statuses(query.get("status"))
    key, descending = _sorting(query)
    limit, offset = _limit(query.get("limit")), max(0, int(query.get("offset") or 0))
    workflow_id = query.get("workflow_id")
    jobs = [
        job
        for job in all_jobs(queue)
        if job["status"] in statuses and workflow_id in (None, job.get("workflow_id"))
    ]
    jobs.sort(key=key, reverse=descending)
    page = jobs[offset:] if limit is None else jobs[offset : offset + limit]
    return {
        "jobs": page,
        "pagination": {
            "offset": offset,
            "limit": limit,
            "total": len(jobs),
            "has_more": offset + len(page) < len(jobs),
        },
    }


def get_job(queue: PromptQueue, job_id: str) -> Json | None:
    """Return one job; a finished one with its outputs, messages and workflow."""
    entry = queue.history.get(job_id)
    if entry is not None:
        prompt, extra_data = entry["prompt"][2:4]
        return {
            **finished_job(entry),
            "outputs": entry["outputs"],
            "execution_status": entry["status"],
            "workflow": {"prompt": prompt, "extra_data": extra_data},
        }
    return next((job for job in _queued(queue) if job["id"] == job_id), None)


def all_jobs(queue: PromptQueue) -> Iterator[Json]:
    yield from _queued(queue)
    for entry in queue.history.values():
        yield finished_job(entry)


def _queued(queue: PromptQueue) -> Iterator[Json]:
    if queue.running is not None:
        yield _queued_job(queue.running, "in_progress")
    for item in queue.pending:
        yield _queued_job(item, "pending")


def _queued_job(item: QueueItem, status: str) -> Json:
    return _prune(
        {
            "id": item.prompt_id,
            "status": status,
            "priority": item.number,
            **_metadata(item.extra_data),
            "outputs_count": 0,
            "previewable_outputs_count": 0,
        }
    )


def finished_job(entry: Json) -> Json:
    """Return a history entry as a job; what is null is left out."""
    number, prompt_id, _, extra_data, _ = entry["prompt"]
    messages = dict(entry["status"]["messages"])
    end = next((name for name in ENDS if name in messages), None)
    files = list(files_of(entry["outputs"]))
    return _prune(
        {
            "id": prompt_id,
            "status": _finished_status(entry["status"]["status_str"], end),
            "priority": number,
            **_metadata(extra_data),
            "execution_start_time": messages.get("execution_start", {}).get("timestamp"),
            "execution_end_time": messages[end]["timestamp"] if end else None,
            "execution_error": messages.get("execution_error"),
            "outputs_count": len(files),
            "previewable_outputs_count": len(files),
            "preview_output": _preview(files),
        }
    )


def _finished_status(status_str: str, end: str | None) -> str:
    if status_str == "success":
        return "completed"
    return "cancelled" if end == "execution_interrupted" else "failed"


def _metadata(extra_data: Json) -> Json:
    """Read what a job tells of its extra_data.

    Like ComfyUI's, this raises on an extra_pnginfo.workflow of null, and one such prompt makes
    the whole list a 500.
    """
    workflow = extra_data.get("extra_pnginfo", {}).get("workflow", {})
    return {"create_time": extra_data.get("create_time"), "workflow_id": workflow.get("id")}


def files_of(outputs: Json) -> Iterator[Json]:
    """Yield the files of an entry's outputs, each with its node."""
    for node_id, ui in outputs.items():
        for kind, files in ui.items():
            for file in files:
                yield {**file, "nodeId": node_id, "mediaType": kind}


def _preview(files: list[Json]) -> Json | None:
    saved = [file for file in files if file["type"] == "output"]
    return next(iter(saved or files), None)


def _prune(job: Json) -> Json:
    return {key: value for key, value in job.items() if value is not None}


def _statuses(value: str | None) -> tuple[str, ...]:
    asked = tuple(s.strip().lower() for s in (value or "").split(",") if s.strip())
    wrong = [status for status in asked if status not in STATUSES]
    if wrong:
        valid = ", ".join(STATUSES)
        raise BadQuery(f"Invalid status value(s): {', '.join(wrong)}. Valid values: {valid}")
    return asked or STATUSES


def _sorting(query: Mapping[str, str]) -> tuple[Callable[[Json], float], bool]:
    by, order = query.get("sort_by", "created_at"), query.get("sort_order", "desc")
    if by not in SORT_KEYS:
        raise BadQuery("sort_by must be 'created_at' or 'execution_duration'")
    if order not in ("asc", "desc"):
        raise BadQuery("sort_order must be 'asc' or 'desc'")
    return SORT_KEYS[by], order == "desc"


def _limit(value: Any) -> int | None:
    if value is None:
        return None
    if not value.isdigit() or int(value) == 0:
        raise BadQuery("limit must be a positive integer")
    return int(value)
