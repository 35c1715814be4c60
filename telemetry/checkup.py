"""Try a server's settings before they are saved: each channel by itself, nothing written.

The same client as the collector's asks (telemetry/comfyui.py): what is refused there is refused
here, no redirect is followed, every answer is bounded, and each check ends within LONGEST_S.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import aiohttp
from django.conf import settings

from telemetry.client import comfyui_of
from telemetry.comfyui import ComfyUI
from telemetry.device_rows import device_name
from telemetry.models import Server
from telemetry.nvml import Nvml, NvmlState
from telemetry.protocol import StatsAnswer, decode, read_queue, read_stats
from telemetry.protocol import frames as f
from telemetry.protocol.wire import Unreadable
from telemetry.sampler import Sampler
from telemetry.text import gib, sentence
from telemetry.this_host import on_this_host
from telemetry.unanswered import NoAnswer, Refused

LONGEST_S = 10.0
ASKS_WHO_WE_ARE = (401, 403)


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one channel, and what to do; `verdict` sets tone, icon and word."""

    channel: str
    verdict: str
    text: str

    @property
    def look(self) -> tuple[str, str, str]:
        """Return tone, icon and word of the verdict."""
        return LOOKS[self.verdict]


LOOKS = {
    "ok": ("ok", "s-completed", "OK"),
    "bad": ("bad", "s-failed", "Fails"),
    "less": ("warn", "s-warn", "Less is seen"),
    "without": ("mute", "s-info", "Not there"),
    "unasked": ("mute", "s-skipped", "Not asked"),
}


@dataclass(frozen=True, slots=True)
class Checkup:
    """All checks in the order of the list; `running_on` tells of the ComfyUI that answered."""

    checks: list[Check]
    running_on: str = ""

    @property
    def good(self) -> bool:
        """Say whether the server can be watched so."""
        return not any(check.verdict == "bad" for check in self.checks)


REACH, ACCESS, QUEUE = "Reach", "Access", "Queue"
SOCKET, LOG, COMPANION, SENSORS = "WebSocket", "Log stream", "Companion", "GPU sensors"


async def check_up(server: Server) -> Checkup:
    """Ask a server, saved or not, over every channel."""
    comfyui = comfyui_of(server, min(LONGEST_S, settings.REQUEST_TIMEOUT_S))
    try:
        return await _check_up(server, comfyui)
    finally:
        await comfyui.close()


async def _check_up(server: Server, comfyui: ComfyUI) -> Checkup:
    if comfyui.barred:
        return _ending(Check(REACH, "unasked", ""), Check(ACCESS, "bad", _said(comfyui.barred)))
    try:
        stats = read_stats((await comfyui.get("/system_stats")).body)
    except Refused as error:
        return _ending(Check(REACH, "bad", _said(error, "is ComfyUI running, with --listen?")))
    except NoAnswer as error:
        return _not_let_in(error)
    except Unreadable:
        return _ending(Check(REACH, "bad", "It answers, but not as a ComfyUI: check the address."))
    rest = await asyncio.gather(
        _within(QUEUE, _queue(comfyui)),
        _socket_and_log(comfyui),
        _within(COMPANION, _companion(comfyui)),
        _within(SENSORS, _sensors(server)),
    )
    queue, (socket, log), companion, sensors = rest
    credentials = server.bearer_encrypted or server.basic_encrypted
    access = "The credentials are accepted." if credentials else "No credentials, none asked for."
    first = [Check(REACH, "ok", "It answers."), Check(ACCESS, "ok", access)]
    return Checkup([*first, queue, socket, log, companion, sensors], _running_on(stats))


def _not_let_in(error: NoAnswer) -> Checkup:
    """Return what an answer comes to that is none: nobody there, or somebody who asks for more."""
    if error.status in ASKS_WHO_WE_ARE:
        return _ending(Check(REACH, "ok", "It answers."), Check(ACCESS, "bad", _said(error)))
    return _ending(Check(REACH, "bad", _said(error)))


def _ending(*found: Check) -> Checkup:
    """Return a list that ends early: what comes after was not asked."""
    channels = (REACH, ACCESS, QUEUE, SOCKET, LOG, COMPANION, SENSORS)
    rest = [Check(channel, "unasked", "") for channel in channels[len(found) :]]
    return Checkup([*found, *rest])


async def _within(channel: str, work: Awaitable[Check]) -> Check:
    """Return a check's result; one that fails or hangs says so, for the others go on."""
    try:
        async with asyncio.timeout(LONGEST_S):
            return await work
    except TimeoutError:
        return Check(channel, "bad", f"No answer within {LONGEST_S:g} s.")
    except (Refused, NoAnswer) as error:
        return Check(channel, "bad", _said(error))
    except Unreadable:
        return Check(channel, "bad", "Its answer is not that of a ComfyUI: what is in between?")


async def _queue(comfyui: ComfyUI) -> Check:
    queue = read_queue((await comfyui.get("/queue")).body)
    words = f"{len(queue.running)} running, {len(queue.pending)} waiting."
    return Check(QUEUE, "ok", words)


async def _socket_and_log(comfyui: ComfyUI) -> tuple[Check, Check]:
    """Open the socket, hear its first word, and ask for the log stream, which needs a socket."""
    unasked = Check(LOG, "unasked", "")
    try:
        async with asyncio.timeout(LONGEST_S):
            ws = await comfyui.connect()
    except (Refused, NoAnswer) as error:
        return Check(SOCKET, "bad", _said(error)), unasked
    except TimeoutError:
        return Check(SOCKET, "bad", f"No answer within {LONGEST_S:g} s."), unasked
    try:
        socket = await _within(SOCKET, _first_word(ws))
        return socket, await _within(LOG, _log(comfyui)) if socket.verdict == "ok" else unasked
    finally:
        ws._response.close()  # a peer that floods or hangs may never answer a close frame


async def _first_word(ws: aiohttp.ClientWebSocketResponse) -> Check:
    message = await ws.receive()
    heard = message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
    if heard and not isinstance(decode(message.data), f.Malformed):
        return Check(SOCKET, "ok", "It opens and speaks.")
    return Check(SOCKET, "bad", "It opens, but does not speak as a ComfyUI does.")


async def _log(comfyui: ComfyUI) -> Check:
    if await comfyui.subscribe_logs():
        return Check(LOG, "ok", "It is shared: steps of everybody's prompts are seen.")
    words = "It is not shared: no steps of other people's prompts. Let /internal/logs through."
    return Check(LOG, "less", words)


async def _companion(comfyui: ComfyUI) -> Check:
    try:
        await comfyui.get("/telemetry/state")
    except NoAnswer as error:
        if error.status is None:
            raise
        return Check(COMPANION, "without", "Not installed, which is fine.")
    return Check(COMPANION, "ok", "Installed.")


async def _sensors(server: Server) -> Check:
    """Say whether this process could read the GPUs' sensors, as a collector beside it would."""
    if server.simulated:
        return Check(SENSORS, "without", "A simulator has none.")
    if settings.GPU == "OFF":
        return Check(SENSORS, "without", "Switched off by SCENEWATCH_GPU.")
    if not await asyncio.to_thread(on_this_host, server.url):
        words = "It runs on another host than this page: memory as ComfyUI tells it, no sensors."
        return Check(SENSORS, "without", words)
    state = await _driver()
    if state is NvmlState.OK:
        return Check(SENSORS, "ok", "NVIDIA's driver answers on this host.")
    return Check(SENSORS, "without", f"On this host {state.value}.")


async def _driver() -> NvmlState:
    """Ask the driver, which may hang, in a thread that nobody has to wait for."""
    sampler = Sampler(Nvml)
    sampler.start()
    try:
        while (readings := sampler.latest()) is None:  # noqa: ASYNC110  a thread tells no loop
            await asyncio.sleep(0.05)
        return readings.state
    finally:
        sampler.stop(0)


def _running_on(stats: StatsAnswer) -> str:
    """Return "ComfyUI 0.33.0, RTX 5090 with 31.4 GiB"."""
    devices = [
        f"{device_name(d)} with {gib(d.vram_total)} GiB" if d.vram_total else device_name(d)
        for d in stats.devices
    ]
    return ", ".join([f"ComfyUI {stats.comfyui_version or 'of unknown version'}", *devices])


def _said(error: object, hint: str = "") -> str:
    """Return a reason as a sentence, with what to look at where it does not say so itself."""
    text = str(error)
    return sentence(f"{text}: {hint}" if hint and ":" not in text else text)
