"""A real browser for tests, and a stage: our static files, pages that a test writes, and a socket
whose other end the test is.

Playwright's sync API keeps an asyncio loop running in the thread that started it, in which neither
`asyncio.run` nor `async_to_sync` works. So it is started per module and stopped after it, and other
tests of the process are not disturbed.
"""

import asyncio
import json
import os
import queue
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import WSMsgType, web
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Of such lists Chromium takes the last one alone, so ours says Playwright's again: plain HTTP
    # stays plain, and nothing is asked of anybody in the network. What it adds are the popups of
    # the address bar, pages of their own: they cost each context more than the page under test.
    "--disable-features="
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,"
    "MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,"
    "ThirdPartyStoragePartitioning,"
    "WebUIOmniboxAimPopup,WebUIOmniboxPopup",
]
# The site's policy (config/settings.py): what it forbids shows as an error on the console.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PATIENCE_S = 10.0
# What has to come, on a machine that does much else; where it has to come soon, the test says so.
expect.set_options(timeout=15_000)

Thing = TypeVar("Thing")


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, CHROMIUM first; None if there is none."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM"), *NAMES) if name)
    return next((path for path in found if path), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser of this module's own."""
    path = find_chromium()
    if path is None:
        pytest.skip(f"no browser found: CHROMIUM is not set, and none of {', '.join(NAMES)} exists")
    with pytest.MonkeyPatch.context() as patch:
        # Django takes Playwright's loop for an async view; tests call the ORM all the same.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=path, args=ARGS)
            yield chromium
            chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """Return what the page complains of; a test that expects complaints empties it."""
    return []


def _complaint(said: ConsoleMessage) -> list[str]:
    return [f"{said.text} {said.location.get('url', '')}"] if _is_complaint(said) else []


def _is_complaint(said: ConsoleMessage) -> bool:
    """Say whether the page complains; that live/ cannot be reached is the browser's own word."""
    refused = said.text.startswith("WebSocket connection to") and "failed" in said.text
    refused |= said.text.startswith("Failed to load") and "/live/" in said.location.get("url", "")
    # A connection kept alive that the server closed just when it was to be used again.
    refused |= said.text.endswith("net::ERR_SOCKET_NOT_CONNECTED")
    return said.type == "error" and not refused


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """Return a page that nothing may complain in: no error on the console, none thrown."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        locale="en-GB",
        timezone_id="UTC",
        # It would take requests from a test's own routes; test_offline_in_browser.py lets it in.
        service_workers="block",
    )
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.extend(_complaint(said)))
    yield page
    context.close()
    assert complaints == []


def _next(waiting: "queue.Queue[Thing]", otherwise: str) -> Thing:
    try:
        return waiting.get(timeout=PATIENCE_S)
    except queue.Empty:
        raise AssertionError(f"{otherwise} within {PATIENCE_S:.0f} s") from None


class Connection:
    """The server's end of one socket; its calls come from the test's thread."""

    def __init__(self, stage: "Stage", socket: web.WebSocketResponse, query: str = "") -> None:
        self._stage = stage
        self._socket = socket
        self.query = query
        self.received: queue.Queue[Any] = queue.Queue()

    def send(self, *messages: Any) -> None:
        """Send messages, text as it is, else as JSON, for as long as the browser listens."""
        with suppress(ConnectionResetError):
            for message in messages:
                text = message if isinstance(message, str) else json.dumps(message)
                self._stage.call(self._socket.send_str(text))

    def close(self, code: int = 1012) -> None:
        """Close the socket with a code."""
        self._stage.call(self._socket.close(code=code))

    def heard(self) -> Any:
        """Return the next message that the browser sent."""
        return _next(self.received, "the browser said nothing")


class Stream:
    """The server's end of one event stream."""

    def __init__(self, stage: "Stage", response: web.StreamResponse, query: str) -> None:
        self._stage = stage
        self._response = response
        self.query = query
        self.ended = asyncio.Event()

    def send(self, *messages: Any) -> None:
        """Send messages as events."""
        with suppress(ConnectionResetError):
            for message in messages:
                event = f"id: x\ndata: {json.dumps(message)}\n\n"
                self._stage.call(self._response.write(event.encode()))

    def close(self) -> None:
        """End the stream as planned."""
        self._stage.call(self._end())

    async def _end(self) -> None:
        self.ended.set()


class Stage:
    """A site of static files, of pages that the test wrote, and of what is scripted for live/.

    `refusing` refuses sockets. Event streams are refused unless `streaming`, polls unless `polled`
    holds the messages that they are answered with; `asked` counts the polls.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.refusing = False
        self.streaming = False
        self.polled: list[Any] | None = None
        self.asked = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self.connections: queue.Queue[Connection] = queue.Queue()
        self.streams: queue.Queue[Stream] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.url: str = self.call(self._start())

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port that it listens on, for as long as it does."""
        host, port = self._listener.getsockname()
        return host, port

    def call(self, work: Any) -> Any:
        """Run a coroutine on the stage's loop and return its result."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(PATIENCE_S)

    def connection(self) -> Connection:
        """Wait for the browser's next connection."""
        return _next(self.connections, "the browser opened no socket")

    def open_sockets(self) -> int:
        """Return how many sockets are open."""
        return len(self._sockets)

    def close(self) -> None:
        """End the site and its thread."""
        self.call(self.end())
        self.stop()

    def stop(self) -> None:
        """End the thread, once the site has ended."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)

    async def end(self) -> None:
        """Take no more connections, let those taken begin, and cut all of them off.

        A server that closes has asyncio drop a connection that it took and did not hand on yet,
        without closing its socket; and the browser opens some on its own account, at any time.
        """
        assert self._runner is not None
        assert self._runner.server is not None
        self._loop.remove_reader(self._listener)
        await asyncio.sleep(0)
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await self._runner.cleanup()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _start(self) -> str:
        app = web.Application()
        app.router.add_static("/static", ROOT / "static")
        app.router.add_get("/live/socket/", self._socket)
        app.router.add_get("/live/events/", self._events)
        app.router.add_get("/live/snapshot/", self._snapshot)
        app.router.add_get("/{name:.*}", self._page)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()
        host, port = self.address
        return f"http://{host}:{port}"

    async def _page(self, request: web.Request) -> web.Response:
        html = self.pages.get(request.match_info["name"])
        if html is None:
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": POLICY}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.refusing:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(self, socket, request.query_string)
        self.connections.put(connection)
        self._sockets.add(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.received.put(json.loads(message.data))
        self._sockets.discard(socket)
        return socket

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not self.streaming:
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        stream = Stream(self, response, request.query_string)
        self.streams.put(stream)
        await stream.ended.wait()
        return response

    async def _snapshot(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.polled is None:
            raise web.HTTPServiceUnavailable
        text = json.dumps(self.polled)
        etag = f'"{hash(text)}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(text=text, content_type="application/json", headers={"ETag": etag})


@pytest.fixture
def stage(page: Page) -> Iterator[Stage]:
    """Return a site of this test's own; the page leaves it before it closes.

    What the page still asks for then would be refused, and a complaint.
    """
    stage = Stage()
    yield stage
    page.goto("about:blank")
    stage.close()


@pytest.fixture
def until(page: Page) -> Callable[[str], None]:
    """Return what waits for an expression to be true in the page, also while its clock stands."""

    def wait(expression: str) -> None:
        for _ in range(int(PATIENCE_S / 0.02)):
            if page.evaluate(expression):
                return
            threading.Event().wait(0.02)
        raise AssertionError(f"never true: {expression}")

    return wait


@pytest.fixture
def busy_s(page: Page) -> Iterator[Callable[[], float]]:
    """Return what tells how many seconds of CPU the page's main thread has used so far.

    Not TaskDuration, which counts from the session's begin, and also what others keep it waiting.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def so_far() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "ThreadTime")

    yield so_far
    session.detach()
