"""Send prompts all the time, and keep what each ComfyUI itself says of them.

One thread, one event loop. Every server has a socket under the submitter's client_id, on which
ComfyUI tells starts and ends; its history is asked where that socket may have missed one.
"""

import asyncio
import contextlib
import random
import threading
import time
import uuid
from typing import Any

import aiohttp

from benchmarks._faults.farm import Simulated
from benchmarks._faults.truth import CANCELLED, Prompt, take_message

DEPTH = 4
PAUSE_S = 0.1
# ComfyUI keeps no word of what is removed from its queue: sooner, nobody could have seen it.
LISTED_S = 2.5
KINDS = ("work", "steps", "fail", "interrupt", "remove")
WEIGHTS = (40, 30, 12, 10, 8)


class Submitter:
    """The artists: each server has up to DEPTH of their prompts at any time."""

    def __init__(self, servers: list[Simulated], seed: int = 1) -> None:
        self.servers = servers
        self.client_id = f"artist-{uuid.uuid4().hex[:8]}"
        self.prompts: dict[str, Prompt] = {}
        self.phase = 0
        self.depth = {server.number: DEPTH for server in servers}
        self._rng = random.Random(seed)
        self._listening: set[int] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="submitter", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._ended.set()
        self._thread.join(10)

    def of_phase(self, phase: int) -> list[Prompt]:
        """Return the prompts that were sent in a phase."""
        with self._lock:
            return [prompt for prompt in self.prompts.values() if prompt.phase == phase]

    def all(self) -> list[Prompt]:
        """Return all prompts."""
        with self._lock:
            return list(self.prompts.values())

    def open_on(self, server: Simulated) -> list[Prompt]:
        """Return the prompts of a server that are not over."""
        return [p for p in self.all() if p.server == server.number and not p.over]

    def note_killed(self, server: Simulated, at: float) -> None:
        """Note that a server was killed: it knows none of its prompts any more."""
        for prompt in self.all():
            if prompt.server == server.number and prompt.forgotten_at is None:
                prompt.forgotten_at = at

    # --- The loop -------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            loops = [
                asyncio.create_task(loop(server))
                for server in self.servers
                for loop in (self._listen, self._send)
            ]
            await asyncio.to_thread(self._ended.wait)
            for task in (*loops, *self._background):
                task.cancel()
            await asyncio.gather(*loops, *self._background, return_exceptions=True)

    async def _listen(self, server: Simulated) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                query = {"clientId": self.client_id}
                async with self._session.ws_connect(f"{server.url}/ws", params=query) as ws:
                    self._listening.add(server.number)
                    await self._ask_missed(server)
                    async for message in ws:
                        if message.type is aiohttp.WSMsgType.TEXT:
                            self._take(message.json())
            self._listening.discard(server.number)
            await asyncio.sleep(PAUSE_S)

    def _take(self, message: dict[str, Any]) -> None:
        data = message.get("data") or {}
        prompt = self.prompts.get(str(data.get("prompt_id")))
        if prompt is not None and prompt.forgotten_at is None:
            take_message(prompt, str(message.get("type")), data)

    async def _ask_missed(self, server: Simulated) -> None:
        for prompt in self.open_on(server):
            await self.ask(server, prompt)

    async def ask(self, server: Simulated, prompt: Prompt) -> None:
        """Ask the history what became of a prompt."""
        url = f"{server.url}/history/{prompt.prompt_id}"
        async with self._session.get(url) as response:
            entry = (await response.json()).get(prompt.prompt_id)
        for kind, data in entry["status"]["messages"] if entry else ():
            take_message(prompt, kind, data)

    async def _send(self, server: Simulated) -> None:
        while True:
            waiting = len(self.open_on(server))
            if server.number in self._listening and waiting < self.depth[server.number]:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await self._send_one(server)
            await asyncio.sleep(PAUSE_S)

    async def _send_one(self, server: Simulated) -> None:
        kind = self._rng.choices(KINDS, WEIGHTS)[0]
        prompt = Prompt(server.number, str(uuid.uuid4()), self.phase, time.time())
        body = {
            "prompt": self._graph(kind),
            "prompt_id": prompt.prompt_id,
            "client_id": self.client_id,
            "extra_data": {"run_id": f"run-{self.phase}", "scene_id": f"scene-{prompt.prompt_id}"},
        }
        with self._lock:
            self.prompts[prompt.prompt_id] = prompt
        try:
            async with self._session.post(f"{server.url}/prompt", json=body) as response:
                response.raise_for_status()
        except (aiohttp.ClientError, OSError, TimeoutError):
            with self._lock:  # nobody told us that it was taken: no prompt of ours
                del self.prompts[prompt.prompt_id]
            raise
        self._meddle(kind, server, prompt)

    def _graph(self, kind: str) -> dict[str, Any]:
        """Return a graph that takes 0.3 to 3 s; no two are the same, or the cache would do it."""
        steps = self._rng.randint(4, 12)
        times = {"steps": steps, "delay": self._rng.uniform(0.3, 3.0) / steps}
        start = {"class_type": "EmptyImage", "inputs": {}}
        work: dict[str, Any] = {"image": ["1", 0], **times}
        if kind == "fail":
            mode = self._rng.choice(["oom", "ValueError", "RuntimeError"])
            work |= {"mode": mode, "after": steps // 2}
        classes = {"work": "TqdmWork", "fail": "TTFail"}
        return {
            "1": start,
            "2": {"class_type": classes.get(kind, "TTSlow"), "inputs": work},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        }

    def _meddle(self, kind: str, server: Simulated, prompt: Prompt) -> None:
        """Interrupt or remove a prompt a little later, as artists do."""
        works = {"interrupt": self._interrupt, "remove": self._remove}
        if kind in works:
            task = asyncio.create_task(works[kind](server, prompt))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _interrupt(self, server: Simulated, prompt: Prompt) -> None:
        while prompt.started_at is None and not prompt.over:  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_S)
        await asyncio.sleep(PAUSE_S)
        if not prompt.over:
            await self._post(server, "/interrupt", {"prompt_id": prompt.prompt_id})

    async def _remove(self, server: Simulated, prompt: Prompt) -> None:
        await asyncio.sleep(LISTED_S)
        if prompt.started_at is not None or prompt.over:
            return
        await self._post(server, "/queue", {"delete": [prompt.prompt_id]})
        async with self._session.get(f"{server.url}/queue") as response:
            queue = await response.json()
        listed = {item[1] for items in queue.values() for item in items}
        await self.ask(server, prompt)
        if prompt.prompt_id not in listed and not prompt.over and prompt.started_at is None:
            prompt.deleted_at, prompt.outcome = time.time(), CANCELLED

    async def _post(self, server: Simulated, path: str, body: dict[str, Any]) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with self._session.post(server.url + path, json=body) as response:
                response.raise_for_status()
