"""Drive recorded traffic of a real ComfyUI through decode and apply, channel by channel.

`truth` reads each attempt's outcome out of the trace's own /history answers with plain json: it
shares no code with the protocol that is tested.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from telemetry.contact import Answered, Passed, SocketClosed, SocketOpened, StatsTold, Unanswered
from telemetry.machine import ServerState
from telemetry.protocol import QueueAnswer, decode, read_history, read_queue, read_stats
from telemetry.protocol.wire import Unreadable
from telemetry.referee import HistoryTold, QueueTold
from telemetry.transitions import Transition

FRAMES = Path(__file__).parent.parent / "frames"
TRACES = sorted(str(path.relative_to(FRAMES))[:-6] for path in FRAMES.rglob("*.jsonl"))


@dataclass(frozen=True)
class Record:
    """One line of a trace."""

    at: datetime
    source: str
    kind: str
    data: Any


def load(name: str) -> list[Record]:
    """Return a trace's lines in order."""
    lines = (FRAMES / f"{name}.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Record(datetime.fromtimestamp(r["t"], UTC), r["source"], r["kind"], r["data"]) for r in rows
    ]


def truth(trace: list[Record]) -> dict[str, str]:
    """Return the outcome by prompt_id, from the trace's /history answers."""
    outcomes = {}
    for record in trace:
        is_history = record.kind == "response" and record.data["path"].startswith("/history")
        body = record.data["body"] if is_history else None
        for prompt_id, entry in (body if isinstance(body, dict) else {}).items():
            if isinstance(entry, dict) and {"prompt", "status"} <= entry.keys():
                outcomes[prompt_id] = _outcome(entry["status"])
    return outcomes


def _outcome(status: dict[str, Any]) -> str:
    if any(name == "execution_interrupted" for name, _ in status["messages"]):
        return "cancelled"
    return {"success": "success", "error": "failed"}[status["status_str"]]


def events(trace: list[Record], channels: set[str]) -> Iterator[tuple[Any, datetime]]:
    """Yield (event, at) of the chosen channels: `poll`, `ws:<client>` as recorded, `logs`."""
    asked: dict[str, datetime] = {}
    for record in trace:
        if record.source == "http" and record.kind == "request":
            asked[record.data["path"]] = record.at
        elif record.source == "http" and record.kind == "response" and "poll" in channels:
            yield from _answer(record, asked.get(record.data["path"], record.at))
        elif record.source in channels and record.kind == "text":
            event = decode(json.dumps(record.data))
            if "logs only" not in channels or type(event).__name__ == "Logs":
                yield event, record.at
        elif record.source in channels and record.kind == "meta":
            yield from _meta(record)
    yield Passed(), trace[-1].at + timedelta(seconds=5)


def _meta(record: Record) -> Iterator[tuple[Any, datetime]]:
    if record.data["event"] == "open":
        yield SocketOpened(log_stream=True), record.at
    elif record.data["event"] == "closed":
        yield SocketClosed("closed"), record.at


def _answer(record: Record, asked_at: datetime) -> Iterator[tuple[Any, datetime]]:
    data, at = record.data, record.at
    if data["status"] is None:
        yield Unanswered("refused", refused=True, since=asked_at), at
        return
    yield Answered(), at
    if data["method"] != "GET" or not isinstance(data["body"], dict):
        return
    path, _, query = data["path"].partition("?")
    body = json.dumps(data["body"]).encode()
    try:
        if path == "/queue":
            yield QueueTold(read_queue(body), asked_at), at
        elif path == "/system_stats":
            yield StatsTold(read_stats(body)), at
        elif path == "/history" and "offset" not in query:
            limit = int(query.partition("max_items=")[2] or 10**6) if "=abc" not in query else 0
            complete = limit > 0 and len(data["body"]) < limit
            yield HistoryTold(read_history(body), asked_at, complete), at
        elif path.startswith("/history/"):
            only = path.removeprefix("/history/")
            yield HistoryTold(read_history(body), asked_at, only=only), at
    except Unreadable:
        return  # some scenarios kept only keys and counts of a body


def drive(
    trace: list[Record], channels: set[str], extra: list[tuple[Any, datetime]] | None = None
) -> tuple[ServerState, list[Transition]]:
    """Apply the chosen channels of a trace (or the given events) as a collector would.

    Returns the state and all transitions; time passes before each event.
    """
    state = ServerState()
    changes: list[Transition] = []
    for event, at in extra or events(trace, channels):
        changes += state.apply(Passed(), at)
        changes += state.apply(event, at)
    return state, changes


def all_channels(trace: list[Record]) -> set[str]:
    """Return every channel of a trace that a monitor could have."""
    return {"poll"} | {r.source for r in trace if r.source.startswith("ws:")} - {"ws:telemetry"}


def outcomes(state: ServerState) -> dict[str, str]:
    """Return the outcome by prompt_id that the state came to."""
    return {prompt_id: str(ended.end.outcome) for prompt_id, ended in state.ended.items()}


def queue_from_submitter(trace: list[Record]) -> Iterator[tuple[Any, datetime]]:
    """Yield the /queue answers that a trace without any would have had.

    A prompt runs from its execution_start to the last status of the submitter's socket; asked and
    answered at these moments, as a status-triggered poll would.
    """
    number = 0
    for record in trace:
        kind = record.data.get("type") if record.kind == "text" else None
        if record.source == "ws:submitter" and kind == "execution_start":
            item = json.dumps([number, record.data["data"]["prompt_id"], {}, {}, []])
            number += 1
            body = f'{{"queue_running": [{item}], "queue_pending": []}}'.encode()
            yield QueueTold(read_queue(body), record.at), record.at + timedelta(milliseconds=30)
        elif record.source == "ws:submitter" and kind == "executing" and _is_end(record):
            yield QueueTold(QueueAnswer((), ()), record.at), record.at


def _is_end(record: Record) -> bool:
    return record.data["data"]["node"] is None
