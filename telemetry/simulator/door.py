"""The way in: the port, who may pass, and how those inside are cut off."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from .access import refusal_of
from .clock import Clock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]


class Door:
    """Serve routes on one port, each below `base_path` and a second time below its /api.

    `wanted` is the Authorization header to ask for. While the clock is frozen connections are
    accepted and nobody is answered.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        clock: Clock,
        base_path: str = "",
        wanted: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.routes, self.clock, self.wanted, self.tls = list(routes), clock, wanted, tls
        self.base_path = f"/{base_path.strip('/')}".rstrip("/")
        self.address = ("127.0.0.1", 0)
        self._sockets: set[asyncio.BaseTransport] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        host, port = self.address
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{self.base_path}"

    @property
    def stands(self) -> bool:
        """Say whether it was set up, open or closed."""
        return self._runner is not None

    async def set_up(self) -> None:
        """Begin to listen; OSError, and nothing left behind, if the port is taken."""
        # No handler is worth waiting for: what is open at the end has been cut off already.
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)
        try:
            await self._runner.setup()
            await self.open()
        except BaseException:
            await self.tear_down()
            raise

    async def tear_down(self) -> None:
        await self.close()
        runner, self._runner = self._runner, None
        # Whatever waits in a frozen server may run into its closed connection now.
        self.clock.thaw()
        if runner is not None:
            await runner.cleanup()

    async def open(self) -> None:
        """Take connections, if it is not doing so; port 0 becomes a free one. OSError if taken."""
        runner = self._runner
        if runner is None or runner.sites:
            return
        await web.TCPSite(runner, *self.address, ssl_context=self.tls).start()
        self.address = (self.address[0], runner.addresses[0][1])

    async def close(self) -> None:
        """Cut everybody off without close frames and refuse connections."""
        if self._runner is None:
            return
        for site in list(self._runner.sites):
            await site.stop()
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()

    def drop_sockets(self) -> None:
        """Cut all websockets off without a close frame."""
        for transport in list(self._sockets):
            assert isinstance(transport, asyncio.Transport)
            transport.abort()

    def _app(self) -> web.Application:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        for method, path, handler in self.routes:
            for prefix in ("", "/api"):
                app.router.add_route(method, f"{self.base_path}{prefix}{path}", handler)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody through a frozen server, and remember who is a websocket."""
        await self.clock.running()
        refused = refusal_of(request, self.wanted)
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
