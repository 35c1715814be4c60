"""What a ComfyUI says, decoded: socket frames, log lines, HTTP answers. Pure, no Django.

Everything that arrives is hostile text until it has passed through here. Nothing in this package
raises on bad input: a frame that cannot be used becomes `Malformed`, an unknown type `Unknown`, and
both are counted by the state machine, never shown.

    frames.py    decode(frame) -> Event
    loglines.py  lines_of(text) -> what ComfyUI's log and tqdm print
    answers.py   /queue, /history, /api/jobs, /system_stats
    packs.py     node packs, from ComfyUI-Manager and /object_info
    wire.py      bytes into typed structs; limits; cleaning of text
"""

from telemetry.protocol.answers import (
    Device,
    HistoryAnswer,
    HistoryEntry,
    Job,
    JobsAnswer,
    QueueAnswer,
    QueueItem,
    StatsAnswer,
    read_history,
    read_jobs,
    read_queue,
    read_stats,
)
from telemetry.protocol.frames import Event, decode
from telemetry.protocol.loglines import LogLine, lines_of

__all__ = [
    "Device",
    "Event",
    "HistoryAnswer",
    "HistoryEntry",
    "Job",
    "JobsAnswer",
    "LogLine",
    "QueueAnswer",
    "QueueItem",
    "StatsAnswer",
    "decode",
    "lines_of",
    "read_history",
    "read_jobs",
    "read_queue",
    "read_stats",
]
