"""Poll logs as PollLog keeps them: zlib of JSON, times as steps in milliseconds. Pure."""

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from history.imports.told import ToldPolls

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def pack(polls: ToldPolls) -> bytes:
    """Return a poll log as it is kept."""
    last, steps = 0, []
    for at in polls.at:
        ms = None if at is None else (at - _EPOCH) // _MS
        steps.append(None if ms is None else ms - last)
        last = last if ms is None else ms
    told = {"at": steps, "answers": polls.answers, "messages": polls.messages}
    return zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 6)


def unpack(data: bytes) -> ToldPolls:
    """Return the poll log that was packed; times to the millisecond."""
    told: dict[str, Any] = json.loads(zlib.decompress(data))
    last, at = 0, []
    for step in told["at"]:
        last = last if step is None else last + step
        at.append(None if step is None else _EPOCH + last * _MS)
    messages = {int(place): text for place, text in told["messages"].items()}
    return ToldPolls(at, told["answers"], messages)
