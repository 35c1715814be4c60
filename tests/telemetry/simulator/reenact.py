"""Act a capture out against the simulator: the same sockets, the same requests in the same order.

What a person did in the recording (requests, sockets opened and closed) is done again; what the
server said is collected beside what it said then. A request waits for the events that had come
before it in the recording, then for the recorded pause.
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from telemetry.simulator import Simulator

from .client import Client, Json, Listener

FRAMES = Path(__file__).parents[2] / "frames"
SPEED = 12.0
PROGRESS = ("progress", "progress_state")
Token = tuple[Any, ...]


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
    async with Simulator(speed=SPEED) as simulator, Client(simulator.url) as client:
        await Player(records, scene, client).play()
    return scene


def read(name: str, until: str | None) -> Any:
    for line in next(FRAMES.glob(f"{name}*.jsonl")).read_text().splitlines():
        record = json.loads(line)
        if until and record["kind"] == "note" and until in record["data"]["text"]:
            return
        yield record


class Player:
    def __init__(self, records: list[Json], scene: Scene, client: Client) -> None:
        self.records, self.scene, self.client = records, scene, client
        self.open: dict[str, Listener] = {}
        self.heard: dict[str, int] = {}
        self.done_at = records[0]["t"]

    async def play(self) -> None:
        await self._open_unannounced()
        for index, record in enumerate(self.records):
            await self._act(record, index)
        for source in self.scene.recorded:
            await self._catch_up(source)

    async def _act(self, record: Json, index: int) -> None:
        source, kind, data = record["source"], record["kind"], record["data"]
        if kind == "text" and is_loud(data):
            self.heard[source] = self.heard.get(source, 0) + 1
            self.done_at = record["t"]
        elif kind == "meta":
            await self._act_on_socket(source, data, record["t"])
        elif kind == "request":
            await self._act_request(data, index, record["t"])

    async def _open_unannounced(self) -> None:
        announced = {r["source"] for r in self.records if r["data"].get("event") == "open"}
        for source, messages in self.scene.recorded.items():
            if source not in announced:
                await self._open(source, messages[0]["data"]["sid"])

    async def _open(self, source: str, client_id: str | None) -> None:
        self.open[source] = await self.client.listen(client_id)
        said = self.scene.simulated.setdefault(source, [])
        # One list for a source that comes back, as in the recording.
        said.extend(self.open[source].messages)
        self.open[source].messages = said

    async def _act_on_socket(self, source: str, data: Json, at: float) -> None:
        await self._pause(at)
        if data["event"] == "open":
            await self._open(source, data["clientId"])
        elif data["event"] == "sent":
            await self.open[source].ws.send_json(data["message"])
        elif data["event"] == "closed" and source in self.open:
            await self.open.pop(source).close()

    async def _act_request(self, data: Json, index: int, at: float) -> None:
        await self._pause(at)
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

    async def _pause(self, at: float) -> None:
        """Wait for the events recorded before this moment, then as long as was waited then."""
        for source in list(self.open):
            await self._catch_up(source)
        await asyncio.sleep(max(0.0, at - self.done_at) / SPEED)
        self.done_at = at

    async def _catch_up(self, source: str) -> None:
        listener, wanted = self.open.get(source), self.heard.get(source, 0)
        if listener is not None:
            await listener.until(lambda: loud(self.scene.simulated[source]) >= wanted)

    def _translated(self, value: Any) -> Any:
        return replace_all(value, self.scene.ids)

    def _back(self, value: Any) -> Any:
        return replace_all(value, {new: old for old, new in self.scene.ids.items()})


def loud(messages: list[Json]) -> int:
    return sum(is_loud(message) for message in messages)


def is_loud(message: Json) -> bool:
    """Say whether a message is one of a kind, rather than one of many that tell progress."""
    if message["type"] == "logs":
        return any(not entry["m"].startswith("\r") for entry in message["data"]["entries"])
    return message["type"] not in PROGRESS


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


ONLY_A_BAR = json.dumps({"lines": ["\rbar"]})[1:-1]


def collapse(stream: list[Token]) -> list[Token]:
    """Leave out what merely repeats progress: how many steps are told is a matter of timing."""
    kept: list[Token] = []
    for one in stream:
        if (one[0] in PROGRESS or ONLY_A_BAR in one[1]) and one in kept[-2:]:
            continue
        kept.append(one)
    return kept


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
