"""Frames that are not true, as a table: well-formed ones first, then broken ones of each type."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from .distortions import DISTORTIONS, not_utf8
from .nodes import Json
from .poison import STRINGS, poison, poisoned

Said = str | bytes
TOLD_ALIKE = 5
FLOOD = 5_000
# A client has to close at this; once a round is enough.
CLOSING = "not_utf8"


@dataclass(frozen=True)
class Sight:
    """What a lie may be about: ids of the prompt that runs and of one that ended, and the time."""

    running: str
    ended: str
    now_ms: int


Lie = Callable[[Random, Sight], list[Said]]


def frames_about(prompt_id: str, now_ms: int) -> dict[str, Json]:
    """Return one honest frame of each type, `data` only."""
    at = {"prompt_id": prompt_id, "timestamp": now_ms}
    node = {"node": "3", "display_node": "3", "prompt_id": prompt_id}
    failed = {"node_id": "3", "node_type": "KSampler", "executed": ["4", "5"]}
    steps = {"value": 5, "max": 20, "prompt_id": prompt_id}
    return {
        "status": {"status": {"exec_info": {"queue_remaining": 3}}},
        "execution_start": at,
        "execution_cached": {**at, "nodes": ["4", "5"]},
        "executing": node,
        "progress": {**steps, "node": "3"},
        "progress_state": {
            "prompt_id": prompt_id,
            "nodes": {"3": {**steps, "state": "running", "node_id": "3", "display_node_id": "3"}},
        },
        "executed": {**node, "output": {"images": [{"filename": "a.png", "type": "output"}]}},
        "logs": {"entries": [{"t": "2026-01-01T00:00:00.000000", "m": "got prompt\n"}]},
        "execution_success": at,
        "execution_interrupted": {**at, **failed},
        "execution_error": {
            **at,
            **failed,
            "exception_type": "ValueError",
            "exception_message": "no such thing",
            "traceback": ['  File "execution.py", line 545, in execute\n'],
            "current_inputs": {"image": ["tensor"]},
            "current_outputs": ["3"],
        },
    }


def said(event: str, data: Any) -> str:
    return json.dumps({"type": event, "data": data})


def poisoned_frames(rng: Random, sight: Sight) -> list[Said]:
    """Tell hostile text of the running prompt, in every frame but those that end it."""
    frames = frames_about(sight.running, sight.now_ms)
    early = [event for event in frames if not event.startswith("execution_")]
    hurt = [said(event, poisoned(frames[event])) for event in early]
    node = {"node": poison("3"), "display_node": poison("3"), "prompt_id": sight.running}
    return [*hurt, said("executing", node)]


def poisoned_end(rng: Random, sight: Sight) -> list[Said]:
    """Fail the running prompt with hostile words."""
    error = poisoned(frames_about(sight.running, sight.now_ms)["execution_error"])
    return [said("execution_error", {**error, "node_id": poison("node")})]


def poisoned_lines(rng: Random, sight: Sight) -> list[Said]:
    """Put every hostile string where a log line names something."""
    lines = [
        line.format(text)
        for text in STRINGS
        for line in (
            "{}\n",
            "Requested to load {}\n",
            "!!! Exception during processing !!! {}\n",
            "\r{}:  50%|█████     | 10/20 [00:01<00:01,  8.29it/s]",
            "[ERROR] {}\n",
        )
    ]
    return [_logs(lines)]


def flood(rng: Random, sight: Sight) -> list[Said]:
    return [_logs([f"line {number}\n" for number in range(FLOOD)])]


def odd_steps(rng: Random, sight: Sight) -> list[Said]:
    pairs = [(-5, 20), (5, -20), (30, 20), (0, 0), (5, 0), (0.5, 1e15), (1e300, 20)]
    about = {"prompt_id": sight.running, "node": "3"}
    bars = [f"\r-10%|     | {value}/{total} [-1:-1<?, -1it/s]" for value, total in pairs]
    steps = [said("progress", {"value": a, "max": b, **about}) for a, b in pairs]
    return [*steps, _logs(bars)]


def odd_queue(rng: Random, sight: Sight) -> list[Said]:
    lengths = (-1, 10**9, 2**63, 10**30, 0.5, True)
    return [said("status", {"status": {"exec_info": {"queue_remaining": n}}}) for n in lengths]


def end_before_start(rng: Random, sight: Sight) -> list[Said]:
    return _told(sight.running, sight.now_ms, "execution_success", "progress", "execution_start")


def after_the_end(rng: Random, sight: Sight) -> list[Said]:
    """Let a prompt that ended go on, and end once more in another way."""
    return _told(sight.ended, sight.now_ms, "progress", "executing", "execution_error")


def stranger(rng: Random, sight: Sight) -> list[Said]:
    """Tell the whole life of a prompt that is in no queue."""
    prompt_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return _told(prompt_id, sight.now_ms, *frames_about("", 0))


def hostile_id(rng: Random, sight: Sight) -> list[Said]:
    return _told(rng.choice(STRINGS), sight.now_ms, "execution_start", "progress", "executing")


def said_again(rng: Random, sight: Sight) -> list[Said]:
    events = ("execution_start", "progress", "executing", "execution_cached")
    return _told(sight.running, sight.now_ms, *events) * TOLD_ALIKE


def unheard_of(rng: Random, sight: Sight) -> list[Said]:
    """Use types that do not exist, and no types at all."""
    types: list[Any] = [*STRINGS, None, 7, [], {}]
    frames = [json.dumps({"type": kind, "data": {}}) for kind in types]
    return [*frames, "", "ping", "{}", "[]", '{"data": {}}', '{"type": "status"}']


def binary(rng: Random, sight: Sight) -> list[Said]:
    """Send previews that are none: cut heads, huge lengths, unknown kinds."""
    heads = (
        b"",
        b"\0",
        b"\0\0\0\1",
        b"\0\0\0\4\xff\xff\xff\xff{",
        b"\xff" * 8,
        b"\0\0\0\2\0\0\0\1",
    )
    return [head + rng.randbytes(rng.randrange(64)) for head in heads]


def no_text(rng: Random, sight: Sight) -> list[Said]:
    return [not_utf8(rng, {"type": "status", "data": {}})]


STORIES: Mapping[str, Lie] = {
    lie.__name__: lie
    for lie in (
        poisoned_frames,
        poisoned_end,
        poisoned_lines,
        flood,
        odd_steps,
        odd_queue,
        end_before_start,
        after_the_end,
        stranger,
        hostile_id,
        said_again,
        unheard_of,
        binary,
        no_text,
    )
}


def broken(event: str, distortion: str, rng: Random, sight: Sight) -> list[Said]:
    """Return a frame of this type about the running prompt, distorted in this way."""
    frame = {"type": event, "data": frames_about(sight.running, sight.now_ms)[event]}
    return [DISTORTIONS[distortion](rng, frame)]


BROKEN: Mapping[str, Lie] = {
    f"{event}, {distortion}": partial(broken, event, distortion)
    for event in frames_about("", 0)
    for distortion in DISTORTIONS
    if distortion != CLOSING
}
LIES: Mapping[str, Lie] = {**STORIES, **BROKEN}


def rounds(seed: int) -> Iterator[str]:
    """Yield names of LIES without end: each broken frame once a round, each story three times."""
    rng = Random(seed)
    while True:
        names = [*BROKEN, *STORIES, *STORIES, *STORIES]
        rng.shuffle(names)
        yield from names


def _told(prompt_id: str, now_ms: int, *events: str) -> list[Said]:
    frames = frames_about(prompt_id, now_ms)
    return [said(event, frames[event]) for event in events]


def _logs(lines: list[str]) -> str:
    return said("logs", {"entries": [{"t": "not a time", "m": line} for line in lines]})
