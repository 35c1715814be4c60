"""The simulator as a whole: a server that can be started, frozen, cut off, killed and restarted."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self

from .access import authorization, tls_context
from .clock import Clock
from .door import Door, Route
from .executor import PromptExecutor
from .liar import Liar
from .nodes import Graph, Json
from .prompt_server import PromptServer, prompt_body
from .queue import MAXIMUM_HISTORY_SIZE
from .replay import Replay, read_capture
from .routes import Routes
from .scenarios import befalling, load_of
from .steady import Steady
from .workloads import SCENARIOS, Plan


class Simulator:
    """A fake ComfyUI on a port of this machine.

    With a `scenario` it submits prompts to itself, `rate` a minute; without, it runs what it is
    sent. `events` are the frames a second of the scenario `steady`. `speed` divides all node
    times. `replay` plays a capture instead of simulating.

    As a proxy would, `token` asks for a bearer token, `basic` for (user, password), `base_path`
    puts all routes below a path, and `tls` is (certificate, key), PEM files.
    """

    def __init__(
        self,
        scenario: str | None = None,
        *,
        seed: int = 1,
        speed: float = 1.0,
        rate: float | None = None,
        events: float | None = None,
        token: str | None = None,
        basic: tuple[str, str] | None = None,
        base_path: str = "",
        tls: tuple[Path, Path] | None = None,
        replay: Path | None = None,
        history_size: int = MAXIMUM_HISTORY_SIZE,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock(speed)
        self.seed, self.history_size = seed, history_size
        self.scenario = scenario or ""
        self._load = load_of(scenario, seed, rate, events, self.clock)
        self._befalling = befalling(scenario, seed, self.clock)
        self._replay = Replay(read_capture(replay), self.clock) if replay else None
        self._door = Door(
            self._routes(),
            self.clock,
            base_path,
            authorization(token, basic),
            tls_context(*tls) if tls else None,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._mishaps: list[asyncio.Task[None]] = []
        self._server: PromptServer | None = None

    @property
    def url(self) -> str:
        return self._door.url

    @property
    def server(self) -> PromptServer:
        """The server's present life; another one after each restart."""
        if self._server is None:
            raise RuntimeError("the simulator was not started")
        return self._server

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the URL; port 0 takes a free one. OSError if the port is taken."""
        self._door.address = (host, port)
        await self.begin_life()
        if self._befalling is not None:
            self._mishaps = [asyncio.create_task(self._befalling.happen(self))]
        return self.url

    async def stop(self) -> None:
        """End as ComfyUI does on SIGTERM, which to a client looks like being killed."""
        await self.kill()

    async def kill(self) -> None:
        """Cut all connections off without close frames and refuse new ones."""
        await _end(self._mishaps)
        await self.end_life()

    async def restart(self) -> None:
        """Kill and start again on the same port: queue, history, numbers and log are lost."""
        await self.end_life()
        await self.begin_life()

    async def begin_life(self) -> None:
        """Listen with nothing in queue, history and log, as a process that was just started."""
        self._server = PromptServer(self.clock, self.seed, self.history_size)
        self._server.sockets.silent = self.scenario in SCENARIOS and SCENARIOS[self.scenario].silent
        await self._door.set_up()
        self._start_tasks()

    async def end_life(self) -> None:
        """Do what kill() does to the server; what befalls it goes on, and may begin it again."""
        if self._door.stands:
            await _end(self._tasks)
            await self._door.tear_down()

    async def open_port(self) -> None:
        """Take connections again after close_port(); OSError if somebody else has the port now."""
        await self._door.open()

    async def close_port(self) -> None:
        """Cut everybody off and refuse connections; queue and prompts go on."""
        await self._door.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    def submit(
        self,
        graph: Graph,
        client_id: str | None = None,
        extra_data: Json | None = None,
        *,
        front: bool = False,
        prompt_id: str | None = None,
        plan: Plan | None = None,
    ) -> str:
        """Queue a prompt as POST /prompt would and return its id, or raise PromptRefused."""
        body = prompt_body(graph, client_id, extra_data, front=front, prompt_id=prompt_id)
        return str(self.server.accept(body, plan=plan)["prompt_id"])

    async def idle(self) -> None:
        """Wait until nothing is pending or running."""
        await self.server.prompt_queue.idle.wait()

    def freeze(self) -> None:
        """Answer nothing and run nothing; connections stay open and new ones are accepted."""
        self.clock.freeze()

    def thaw(self) -> None:
        self.clock.thaw()

    def drop_sockets(self) -> None:
        """Cut all websockets off without a close frame; the server itself goes on."""
        self._door.drop_sockets()

    def clear_history(self) -> None:
        self.server.prompt_queue.history.clear()

    def _start_tasks(self) -> None:
        if self._replay is None:
            self._spawn(self.server.sockets.publish_loop())
        if self._replay is None and not isinstance(self._load, Steady):
            self._spawn(PromptExecutor(self.server).run())
        if self._load is not None:
            self._spawn(self._load.run(self.server))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _routes(self) -> list[Route]:
        if self._replay is not None:
            return self._replay.table()
        routes = Routes(lambda: self.server, argv=("main.py", "--listen")).table()
        if isinstance(self._befalling, Liar):
            return list(self._befalling.table(routes))
        return routes


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks, forget them, and raise what one of them failed with."""
    ending = list(tasks)
    tasks.clear()
    for task in ending:
        task.cancel()
    for result in await asyncio.gather(*ending, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
