"""Act a capture out against the simulator: the same sockets, the same requests in the same order.

What a person did in the recording (requests, sockets opened and closed) is done again; what the
server said is collected beside what it said then. No real time passes: the simulator's clock goes
on until every socket has heard what it had heard in the recording, then by the recorded pause,
and stands still while the next thing is done.
"""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from telemetry.simulator import Simulator

from .client import PATIENCE_S, Client, Json, Listener
from .clock import DrivenClock

FRAMES = Path(__file__).parents[2] / "frames"
Token = tuple[Any, ...]
# Jobs are sorted by the millisecond in which they were sent; recorded were no two of the same.
SHORTEST_PAUSE_S = 0.0011
# Sent behind all that was said so far; who has heard it has heard that too.
MARK: Json = {"type": "settled", "data": {}}


@dataclass
class Scene:
    """What was recorded and what the simulator did, by socket and by request."""

    recorded: dict[str, list[Json]] = field(default_factory=dict)
    simulated: dict[str, list[Json]] = field(default_factory=dict)
    answers: list[tuple[str, Json, Json]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def streams(self) -> list[tuple[str, list[Token], list[Token]]]:
        """Return (socket, recorded, simulated) with everything that varies taken out."""
        names = {new: old for old, new in self.ids.items()}
        return [
            (source, tokens(self.recorded[source], {}), tokens(self.simulated[source], names))
            for source in self.recorded
        ]


@cache
def reenact(name: str, until: str | None = None) -> Scene:
    """Play the recorder's part of a capture, up to the note that contains `until`."""
    return asyncio.run(asyncio.wait_for(_reenact(name, until), 30))


async def _reenact(name: str, until: str | None) -> Scene:
    records = list(read(name, until))
    scene = Scene()
    for record in records:
        if record["kind"] == "text":
            scene.recorded.setdefault(record["source"], []).append(record["data"])
    clock = DrivenClock(records[0]["t"])
    async with Simulator(clock=clock) as simulator:
        await Player(records, scene, simulator, clock).play()
    return scene


def read(name: str, until: str | None) -> Any:
    for line in next(FRAMES.glob(f"{name}*.jsonl")).read_text().splitlines():
        record = json.loads(line)
        if until and record["kind"] == "note" and until in record["data"]["text"]:
            return
        yield record


class Player:
    def __init__(
        self, records: list[Json], scene: Scene, simulator: Simulator, clock: DrivenClock
    ) -> None:
        self.records, self.scene = records, scene
        self.simulator, self.clock = simulator, clock
        self.client = Client(simulator.url)
        self.open: dict[str, Listener] = {}
        self.sources: dict[str, str] = {}
        self.recorded: dict[str, Counter[str]] = defaultdict(Counter)
        self.done_at = records[0]["t"]

    async def play(self) -> None:
        async with self.client:
            await self._open_unannounced()
            for index, record in enumerate(self.records):
                await self._act(record, index)
            await self._catch_up()

    async def _act(self, record: Json, index: int) -> None:
        source, kind, data, at = (record[k] for k in ("source", "kind", "data", "t"))
        if kind == "text":
            self.recorded[source][data["type"]] += 1
            self.done_at = at
        elif kind in ("meta", "request"):
            await self._catch_up()
            await self._pause(at)
            if kind == "meta":
                await self._act_on_socket(source, data)
            else:
                await self._act_request(data, index)

    async def _open_unannounced(self) -> None:
        announced = {r["source"] for r in self.records if r["data"].get("event") == "open"}
        for source, messages in self.scene.recorded.items():
            if source not in announced:
                await self._open(source, messages[0]["data"]["sid"])

    async def _open(self, source: str, client_id: str | None) -> None:
        listener = self.open[source] = await self.client.listen(client_id, autoping=False)
        await listener.round_trip()
        self.sources[listener.messages[0]["data"]["sid"]] = source
        said = self.scene.simulated.setdefault(source, [])
        # One list for a source that comes back, as in the recording.
        said.extend(listener.messages)
        listener.messages = said

    async def _act_on_socket(self, source: str, data: Json) -> None:
        if data["event"] == "open":
            await self._open(source, data["clientId"])
        elif data["event"] == "sent":
            await self.open[source].ws.send_json(data["message"])
            await self.open[source].round_trip()
        elif data["event"] == "closed" and source in self.open:
            await self.open.pop(source).close()

    async def _act_request(self, data: Json, index: int) -> None:
        expected = next(
            r["data"]
            for r in self.records[index:]
            if r["kind"] == "response" and r["data"]["path"] == data["path"]
        )
        path, body = self._translated(data["path"]), self._translated(data["body"])
        status, answer = await self.client.ask(
            data["method"], path, body, headers=data.get("headers")
        )
        given = expected["body"]
        if isinstance(given, dict) and "prompt_id" in given and data["path"] == "/prompt":
            self.scene.ids[given["prompt_id"]] = answer["prompt_id"]
        self.scene.answers.append(
            (
                f"{data['method']} {data['path']}",
                {"status": expected["status"], "body": given},
                {"status": status, "body": self._back(answer)},
            )
        )

    async def _catch_up(self) -> None:
        """Let time pass until every open socket has heard what it had heard in the recording."""
        await self._settle()
        while lacking := self._lacking():
            assert self.clock.asleep.is_set(), f"nothing goes on, but there is no {lacking}"
            self.clock.wake()
            await self._settle()

    async def _pause(self, at: float) -> None:
        """Let as much time pass as had passed then since the last thing that is recorded."""
        moment = self.clock.now + max(at - self.done_at, SHORTEST_PAUSE_S)
        while self.clock.is_due_by(moment):
            self.clock.wake()
            await self._settle()
        self.clock.now = max(self.clock.now, moment)
        self.done_at = at

    async def _settle(self) -> None:
        """Wait until the simulator can only go on by a request or by the clock, and was heard."""
        await first_of(self.clock.asleep.wait(), self.simulator.idle())
        sockets = self.simulator.server.sockets
        sockets.send_sync(MARK["type"], MARK["data"])
        for sid in sockets.by_sid.copy():
            await self._hear_mark(self.sources[sid])

    async def _hear_mark(self, source: str) -> None:
        said = self.scene.simulated[source]
        await self.open[source].until(lambda: MARK in said)
        said.remove(MARK)

    def _lacking(self) -> dict[str, Counter[str]]:
        lacking = {
            source: self.recorded[source] - Counter(m["type"] for m in self.scene.simulated[source])
            for source in self.open
        }
        return {source: types for source, types in lacking.items() if types}

    def _translated(self, value: Any) -> Any:
        return replace_all(value, self.scene.ids)

    def _back(self, value: Any) -> Any:
        return replace_all(value, {new: old for old, new in self.scene.ids.items()})


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of these has come, and fail if none does."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    done, late = await asyncio.wait(tasks, timeout=PATIENCE_S, return_when="FIRST_COMPLETED")
    for task in late:
        task.cancel()
    assert done, "the simulator neither sleeps nor is it idle"


def replace_all(value: Any, words: dict[str, str]) -> Any:
    text = json.dumps(value)
    for word, other in words.items():
        text = text.replace(word, other)
    return json.loads(text)


def tokens(messages: list[Json], names: dict[str, str]) -> list[Token]:
    """Return each message as what must agree: type, keys, and the values that mean something."""
    return [token(m["type"], replace_all(m["data"], names)) for m in messages]


def token(kind: str, data: Json) -> Token:
    said: Json = {"keys": sorted(data)}
    said |= {k: data[k] for k in ("node", "display_node", "nodes", "prompt_id") if k in data}
    said |= {k: data[k] for k in ("node_id", "node_type", "exception_type") if k in data}
    said |= {k: sorted(data[k]) for k in ("executed", "current_outputs") if k in data}
    if kind == "progress_state":
        said["nodes"] = {n: (v["state"], sorted(v)) for n, v in data["nodes"].items()}
    if kind == "status":
        said["remaining"] = data["status"]["exec_info"]["queue_remaining"]
    if kind == "executed":
        said["output"] = shape(data["output"])
    if kind == "logs":
        said["lines"] = [log_line(entry["m"]) for entry in data["entries"]]
        said["size"] = data["size"]
    return (kind, json.dumps(said, sort_keys=True))


def log_line(text: str) -> str:
    """Return a log line without its figures; a redraw of a bar is a bar."""
    if text.startswith("\r"):
        return "\rbar" if re.fullmatch(BAR, text) else text
    return re.sub(r"\d+\.\d\d", "N", text.splitlines()[0] if text.strip() else text)


BAR = (
    r"\r[ \d]{3}%\|[ █▏▎▍▌▋▊▉]{10}\| \d+/\d+ "
    r"\[\d\d:\d\d<(\d\d:\d\d|\?), (\?|[ \d]+\.\d\d)(it/s|s/it)\]"
)


def shape(value: Any) -> Any:
    """Return the types in a value; dictionaries keep their keys, lists their first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


def differences(recorded: Any, simulated: Any, where: str = "") -> list[str]:
    """Return where two answers have other keys, types or lengths; null agrees with anything."""
    if recorded is None or simulated is None or where.endswith(UNCOMPARED):
        return []
    if isinstance(recorded, dict) and isinstance(simulated, dict):
        found = [f"{where}: keys {sorted(recorded)} became {sorted(simulated)}"]
        found = [] if recorded.keys() == simulated.keys() else found
        for key in recorded.keys() & simulated.keys():
            found += differences(recorded[key], simulated[key], f"{where}.{key}")
        return found
    if isinstance(recorded, list) and isinstance(simulated, list):
        found = []
        if len(recorded) != len(simulated) and not where.endswith(UNCOUNTED):
            found = [f"{where}: {len(recorded)} entries became {len(simulated)}"]
        for n, (old, new) in enumerate(zip(recorded, simulated, strict=False)):
            found += differences(old, new, f"{where}[{n}]")
        return found
    if shape(recorded) != shape(simulated):
        return [f"{where}: {recorded!r} became {simulated!r}"]
    return []


# How a node class words its tooltips, and how many entries there are, say something about the
# machine, not about the protocol.
UNCOMPARED = (".input_config[1]",)
UNCOUNTED = (".argv", ".comfy_package_versions", ".traceback")
