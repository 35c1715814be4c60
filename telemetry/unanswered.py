"""Why a ComfyUI gave no answer that could be used, in words for people."""

from typing import Any

import aiohttp

from telemetry import tls
from telemetry.connecting import RefusedAddress
from telemetry.protocol.wire import Unreadable, clean, plain, read


class Refused(Exception):
    """Nobody listens at the address: the connection was refused or the name is unknown."""


class NoAnswer(Exception):
    """The server did not answer in time, or not as a ComfyUI does. The text is for people.

    `status` is that of the answer, None where there was none that could be read.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class Rejected(Exception):
    """The server refuses what was posted (400). The text is the server's own word, bounded."""


def rejection(body: bytes) -> str:
    """Return why a prompt is refused, as ComfyUI says it."""
    try:
        error = plain(read(body, dict[str, Any]).get("error"), dict) or {}
    except Unreadable:
        error = {}
    message = error.get("message")
    return clean(message, 200) if isinstance(message, str) else "it refuses the prompt"


_STATUS_HINTS = {
    401: "it asks for a token or a password: enter the right one in the server's settings",
    403: "it refuses us (403): is there a proxy in front that wants a token?",
    404: "it answers, but not as a ComfyUI (404): is the path of the address right?",
}


def status_text(path: str, status: int) -> str:
    """Return what an answer with another status than 200 means."""
    if 300 <= status < 400:
        return "it redirects elsewhere, which is not followed; enter the final address"
    return _STATUS_HINTS.get(status, f"it answered {path} with status {status}")


def failure(error: BaseException, timeout_s: float) -> Refused | NoAnswer:
    """Return what a failed request means for people."""
    if isinstance(error, TimeoutError):
        return NoAnswer(f"no answer within {timeout_s:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _no_connection(error)
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return NoAnswer(_handshake_text(error.status), error.status)
    if isinstance(error, aiohttp.ClientResponseError):
        return NoAnswer("its answer is no HTTP that we can read: is the address right?")
    if isinstance(error, aiohttp.InvalidURL):
        return NoAnswer("its address cannot be used: check it in the server's settings")
    return NoAnswer(f"the connection broke ({type(error).__name__})")


def _no_connection(error: aiohttp.ClientConnectorError) -> Refused | NoAnswer:
    """Return why there is no connection: nobody there, or not one that we would use."""
    if isinstance(error.os_error, RefusedAddress):
        return NoAnswer(f"{error.os_error}; enter another address")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Refused("its name is not known here: check the address")
    if isinstance(error, aiohttp.ClientSSLError):
        return NoAnswer(tls.reason_of(error.os_error))
    return Refused("connection refused")


def _handshake_text(status: int) -> str:
    if status in (101, 200):
        return "it opens no WebSocket: does a proxy in front let none through?"
    return status_text("/ws", status)
