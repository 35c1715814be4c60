"""Talk to one ComfyUI over HTTP and its WebSocket; redirects are never followed.

Whatever answers is bounded: in time (all of an answer, the WebSocket's handshake included), in the
length of its header (aiohttp: 8 KiB a line, 128 lines), in its body once inflated, and in the size
of a message. We ask for plain answers; a compressed one is inflated piece by piece, within the same
bound. On the WebSocket no compression is agreed upon, so that a compressed frame is an error.
"""

import asyncio
import email.utils
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import aiohttp

from telemetry import tls
from telemetry.address import socket_url
from telemetry.clock import now
from telemetry.connecting import connector
from telemetry.protocol.wire import LARGEST_BYTES
from telemetry.unanswered import NoAnswer, Rejected, failure, rejection, status_text

LARGEST_SKEW_S = 100 * 365.25 * 86400


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of a file, and their media type as the server names it."""

    body: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an HTTP answer, when it was asked for, and the server's clock minus ours."""

    body: bytes
    asked_at: datetime
    skew_s: float | None


async def _no_redirect(session: Any, context: SimpleNamespace, params: Any) -> None:
    raise NoAnswer("it redirects elsewhere, which is not followed; enter the final address")


class ComfyUI:
    """A client with a clientId of its own; never a submitter's, never with an Origin header.

    `authorization` is a header's value. `authorities` are PEM certificates to trust in place of the
    system's. With `barred`, a reason for people, nothing is ever asked: each try raises NoAnswer.
    """

    def __init__(
        self,
        base_url: str,
        authorization: str = "",
        timeout_s: float = 10,
        *,
        authorities: str = "",
        barred: str = "",
    ) -> None:
        self.base_url = base_url
        self.barred = barred
        self.timeout_s = timeout_s
        self.client_id = ""
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_no_redirect)
        self._session = aiohttp.ClientSession(
            headers=_headers(authorization),
            connector=connector(tls.context_for(authorities) if authorities else True),
            trace_configs=[trace],
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(5.0, timeout_s)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    def _refuse_if_barred(self) -> None:
        if self.barred:
            raise NoAnswer(self.barred)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(
        self, path: str, *, largest_bytes: int | None = None, **query: str | int
    ) -> Answer:
        """Return the answer of GET path, LARGEST_BYTES at most; raises Refused or NoAnswer."""
        self._refuse_if_barred()
        asked_at = now()
        try:
            async with self._session.get(
                self.base_url + path,
                params={key: str(value) for key, value in query.items()},
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise NoAnswer(status_text(path, response.status), response.status)
                return Answer(
                    await _body(response, largest_bytes), asked_at, _skew(response, asked_at)
                )
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise failure(error, self.timeout_s) from error

    async def file(self, largest_bytes: int, kinds: Collection[str], **query: str) -> File:
        """Return a file of GET /view; raises Refused, or NoAnswer, also for another kind or size.

        The kind and the told size are looked at before anything of it is read.
        """
        self._refuse_if_barred()
        try:
            async with self._session.get(
                f"{self.base_url}/view", params=query, allow_redirects=False
            ) as response:
                _refuse_file(response, kinds)
                if (response.content_length or 0) > largest_bytes:
                    raise NoAnswer(f"its answer is larger than {largest_bytes >> 20} MiB")
                return File(await _body(response, largest_bytes), response.content_type)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise failure(error, self.timeout_s) from error

    async def post(self, path: str, value: Any) -> bytes:
        """Return the answer of POST path with JSON; raises Refused, NoAnswer or Rejected."""
        self._refuse_if_barred()
        try:
            async with self._session.post(
                self.base_url + path, json=value, allow_redirects=False
            ) as response:
                body = await _body(response)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise failure(error, self.timeout_s) from error
        if response.status == 400:
            raise Rejected(rejection(body))
        if response.status != 200:
            raise NoAnswer(status_text(path, response.status), response.status)
        return body

    async def connect(self) -> aiohttp.ClientWebSocketResponse:
        """Open /ws under a fresh clientId; raises Refused or NoAnswer.

        A fresh id each time: an old socket that is still closing would take the new one's
        registration with it. Our pings find a dead connection within about 30 s; the generous wait
        is for servers that load a model and hold the interpreter meanwhile.
        """
        self._refuse_if_barred()
        self.client_id = f"scenewatch-{uuid.uuid4().hex}"
        try:
            return await self._session.ws_connect(
                socket_url(self.base_url),
                params={"clientId": self.client_id},
                heartbeat=30,
                max_msg_size=LARGEST_BYTES,
                compress=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=2),
            )
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise failure(error, self.timeout_s) from error

    async def subscribe_logs(self) -> bool:
        """Ask for the log stream on our socket; say whether the server agreed."""
        try:
            async with self._session.patch(
                f"{self.base_url}/internal/logs/subscribe",
                json={"clientId": self.client_id, "enabled": True},
                allow_redirects=False,
            ) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError, NoAnswer):
            return False


def _headers(authorization: str) -> dict[str, str]:
    plain = {"Accept-Encoding": "identity"}
    return {**plain, "Authorization": authorization} if authorization else plain


def _refuse_file(response: aiohttp.ClientResponse, kinds: Collection[str]) -> None:
    """Raise NoAnswer unless the answer is a file of one of these kinds."""
    if response.status == 404:
        raise NoAnswer("the file is not there any more", 404)
    if response.status != 200:
        raise NoAnswer(status_text("/view", response.status), response.status)
    if response.content_type not in kinds:
        raise NoAnswer("what it answers is no picture or video that is shown here")


async def _body(response: aiohttp.ClientResponse, largest_bytes: int | None = None) -> bytes:
    """Read a body up to the limit; raises NoAnswer beyond it."""
    largest_bytes = LARGEST_BYTES if largest_bytes is None else largest_bytes
    chunks, size = [], 0
    async for chunk in response.content.iter_chunked(1 << 18):
        size += len(chunk)
        if size > largest_bytes:
            raise NoAnswer(f"its answer is larger than {largest_bytes >> 20} MiB")
        chunks.append(chunk)
        # A fast, endless body must not keep the other servers waiting.
        await asyncio.sleep(0)
    return b"".join(chunks)


def _skew(response: aiohttp.ClientResponse, asked_at: datetime) -> float | None:
    """Return the server's clock minus ours in seconds, from its Date header.

    The header is cut to whole seconds: less than 1.5 s apart counts as the same. A clock that is
    wrong by centuries tells nothing, and times could not be reckoned with it.
    """
    try:
        told = email.utils.parsedate_to_datetime(response.headers["Date"])
        apart = (told - asked_at).total_seconds() + 0.5
        if abs(apart) > LARGEST_SKEW_S:
            return None
        return round(apart, 1) if abs(apart) >= 1.5 else 0.0
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
