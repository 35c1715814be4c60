"""The simulator as a whole: a server that can be started, frozen, cut off, killed and restarted."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from .access import refusal_of
from .clock import Clock
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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Simulator:
    """A fake ComfyUI on a port of this machine.

    With a `scenario` it submits prompts to itself, `rate` a minute; without, it runs what it is
    sent. `events` are the frames a second of the scenario `steady`. `speed` divides all node
    times. `token` asks for a bearer token, `base_path` puts all routes below a path, as a proxy
    would. `replay` plays a capture instead of simulating.
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
        base_path: str = "",
        replay: Path | None = None,
        history_size: int = MAXIMUM_HISTORY_SIZE,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock(speed)
        self.seed, self.token, self.history_size = seed, token, history_size
        self.base_path = base_path.rstrip("/")
        self.scenario = scenario or ""
        self._load = load_of(scenario, seed, rate, events, self.clock)
        self._befalling = befalling(scenario, seed, self.clock)
        self._replay = Replay(read_capture(replay), self.clock) if replay else None
        self._sockets: set[asyncio.BaseTransport] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._mishaps: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._server: PromptServer | None = None
        self._address = ("127.0.0.1", 0)

    @property
    def url(self) -> str:
        host, port = self._address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self.base_path}"

    @property
    def server(self) -> PromptServer:
        """The server's present life; another one after each restart."""
        if self._server is None:
            raise RuntimeError("the simulator was not started")
        return self._server

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the URL; port 0 takes a free one. OSError if the port is taken."""
        self._address = (host, port)
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
        # No handler is worth waiting for: what is open at the end has been cut off already.
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._runner = runner
        try:
            await self.open_port()
        except BaseException:
            self._runner = None
            await runner.cleanup()
            raise
        self._start_tasks()

    async def end_life(self) -> None:
        """Do what kill() does to the server; what befalls it goes on, and may begin it again."""
        if self._runner is None:
            return
        await _end(self._tasks)
        await self.close_port()
        runner, self._runner = self._runner, None
        # Whatever waits in a frozen server may run into its closed connection now.
        self.clock.thaw()
        await runner.cleanup()

    async def open_port(self) -> None:
        """Take connections again after close_port(); OSError if somebody else has the port now."""
        runner = self._runner
        if runner is None or runner.sites:
            return
        await web.TCPSite(runner, *self._address).start()
        self._address = (self._address[0], runner.addresses[0][1])

    async def close_port(self) -> None:
        """Cut everybody off and refuse connections; queue and prompts go on."""
        if self._runner is None:
            return
        for site in list(self._runner.sites):
            await site.stop()
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()

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
        for transport in list(self._sockets):
            _abort(transport)

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

    def _app(self) -> web.Application:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        served = self._replay or Routes(lambda: self.server, argv=("main.py", "--listen"))
        table = served.table()
        if isinstance(self._befalling, Liar):
            table = list(self._befalling.table(table))
        for method, path, handler in table:
            for prefix in ("", "/api"):
                app.router.add_route(method, f"{self.base_path}{prefix}{path}", handler)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody through a frozen server, and remember who is a websocket."""
        await self.clock.running()
        refused = refusal_of(request, self.token)
        if refused is not None:
            return refused
        if "Upgrade" not in request.headers or request.transport is None:
            return await handler(request)
        transport = request.transport
        self._sockets.add(transport)
        try:
            return await handler(request)
        finally:
            self._sockets.discard(transport)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks, forget them, and raise what one of them failed with."""
    ending = list(tasks)
    tasks.clear()
    for task in ending:
        task.cancel()
    for result in await asyncio.gather(*ending, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


def _abort(transport: asyncio.BaseTransport) -> None:
    assert isinstance(transport, asyncio.Transport)
    transport.abort()
