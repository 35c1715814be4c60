"""The shapes that cost most, grown up to the largest size: time must stay in step with size.

SMALL bytes in any shape within SLOW_S; more in proportion. What is slower is named, exit status 1.
"""

import json
import sys
import time
from collections.abc import Callable

from telemetry.protocol.wire import LARGEST_BYTES
from tests.fuzz.batch import Message
from tests.fuzz.target import SLOW_S, SMALL, Tally, take_messages


def table(megabytes: float) -> int:
    """Print how long each shape takes at each size; return 1 where one is too slow."""
    sizes = [s for s in (SMALL, 1 << 20, 8 << 20, LARGEST_BYTES) if s <= megabytes * (1 << 20)]
    failed = 0
    for name, (kind, build) in SHAPES.items():
        for size in sizes:
            payload = build(size)
            took_s = _took(Message(ord(kind), payload))
            late = took_s > SLOW_S * max(1.0, len(payload) / SMALL)
            failed += late
            sys.stdout.write(
                f"{name:40} {len(payload) / 1024:>10,.0f} KiB {1000 * took_s:>9.1f} ms"
                f"{'  TOO SLOW' if late else ''}\n"
            )
            sys.stdout.flush()
    return 1 if failed else 0


def _took(message: Message) -> float:
    """Return the least of some tries in seconds of processor: others are at work here too."""
    tries = []
    for _ in range(5 if len(message.payload) <= SMALL else 1):
        began = time.thread_time()
        take_messages([message], Tally())
        tries.append(time.thread_time() - began)
    return min(tries)


def _frame(type_: str, data: str) -> bytes:
    return f'{{"type":"{type_}","data":{data}}}'.encode()


def _entries(line: str, per_entry: int) -> Callable[[int], bytes]:
    def build(size: int) -> bytes:
        entry = '{"m":' + json.dumps((line + "\n") * per_entry) + "}"
        count = max(1, (size - 60) // (len(entry) + 1))
        return _frame("logs", '{"entries":[' + ",".join([entry] * count) + "]}")

    return build


def _filled(before: str, piece: str, after: str) -> Callable[[int], bytes]:
    """Return a builder that repeats a piece; # in it is its number."""

    def build(size: int) -> bytes:
        count = (size - len(before) - len(after)) // len(piece.encode().replace(b"#", b"1234567"))
        return (before + "".join(piece.replace("#", str(n)) for n in range(count)) + after).encode()

    return build


def _queue(size: int) -> bytes:
    count = size // 64
    items = ",".join(
        f'[{n},"p{n}",{{"1":{{"class_type":"A","inputs":{{}}}}}},{{}},[]]' for n in range(count)
    )
    return f'{{"queue_running":[],"queue_pending":[{items}]}}'.encode()


def _history(size: int) -> bytes:
    count = size // 140
    entries = ",".join(
        f'"p{n}":{{"prompt":[{n},"p{n}",{{"1":{{"class_type":"A"}}}},{{}},[]],'
        '"status":{"status_str":"success","messages":[["execution_start",{"timestamp":9}]]}}'
        for n in range(count)
    )
    return f"{{{entries}}}".encode()


def _graph(size: int) -> bytes:
    nodes = ",".join(
        f'"{n}":{{"class_type":"A","inputs":{{"a":["{n}",0]}}}}' for n in range(size // 50)
    )
    return f'{{"queue_running":[[1,"a",{{{nodes}}},{{}},[]]],"queue_pending":[]}}'.encode()


SHAPES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "log: entries of 200 empty-looking lines": ("T", _entries("a", 200)),
    "log: entries of 10 lines": ("T", _entries("INFO something was written here", 10)),
    "log: bars that never close": ("T", _entries("x: " * 60 + " 40%|" + "#" * 290, 5)),
    "log: lines that almost match": ("T", _entries("loaded completely; " + "1 " * 60, 20)),
    "log: escapes": ("T", _entries("\x1b[" + "1;" * 9, 50)),
    "log: one line": ("T", _filled('{"type":"logs","data":{"entries":[{"m":"', "a", '"}]}}')),
    "frame: node map": (
        "T",
        _filled(
            '{"type":"progress_state","data":{"prompt_id":"a","nodes":{',
            '"#":{"value":1,"max":9,"state":"running","node_id":"1"},',
            '"x":{"value":1,"max":9,"state":"running","node_id":"1"}}}}',
        ),
    ),
    "frame: cached nodes": (
        "T",
        _filled('{"type":"execution_cached","data":{"prompt_id":"a","nodes":[', '"#",', '"x"]}}'),
    ),
    "frame: traceback": (
        "T",
        _filled('{"type":"execution_error","data":{"prompt_id":"a","traceback":["', "é", '"]}}'),
    ),
    "frame: unknown type": ("T", _filled('{"type":"x","data":[', "#,", "0]}")),
    "frame: escaped NULs": ("T", _filled('{"type":"x","data":"', "\\u0000", '"}')),
    "frame: NaN, read twice": ("T", _filled('{"type":"x","data":[NaN,', "1.5,", "0]}")),
    "frame: half emoji": ("T", _filled('{"type":"x","data":"', "\\ud83d", '"}')),
    "frame: deep": ("T", lambda size: b"[" * size),
    "frame: digits": ("T", lambda size: _frame("x", "9" * (size - 30))),
    "frame: digits in a float": ("T", lambda size: _frame("x", "1." + "9" * (size - 30))),
    "frame: digits, then NaN": ("T", lambda size: _frame("x", "[NaN,1." + "9" * (size - 40) + "]")),
    "binary: text": ("B", lambda size: b"\0\0\0\3\0\0\0\1" + b"\xff" * (size - 8)),
    "binary: metadata": ("B", lambda size: b"\0\0\0\4\x7f\0\0\0" + b"[" * (size - 8)),
    "queue: prompts": ("Q", _queue),
    "queue: one graph": ("Q", _graph),
    "queue: deep graph": (
        "Q",
        lambda size: (
            b'{"queue_running":[[1,"a",{"1":'
            + b"[" * (size // 2 - 40)
            + b"]" * (size // 2 - 40)
            + b'},{},[]]],"queue_pending":[]}'
        ),
    ),
    "queue: extra_data": (
        "Q",
        _filled('{"queue_running":[[1,"a",{},{"user":"', "a", '"},[]]],"queue_pending":[]}'),
    ),
    "history: entries": ("H", _history),
    "stats: argv": ("S", _filled('{"system":{"argv":[', '"a",', '"b"]}}')),
    "stats: devices": ("S", _filled('{"devices":[', '{"name":"cuda:0 a"},', "{}]}")),
}
