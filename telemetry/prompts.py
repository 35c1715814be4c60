"""Interrupt and cancel prompts of a ComfyUI: the fresh queue is looked at first.

So the prompt that was meant is hit, or none: whoever pressed the button saw a page that may be
seconds old. Nothing is sent under a submitter's clientId, and no Origin header with it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telemetry.client import comfyui_of
from telemetry.comfyui import ComfyUI
from telemetry.models import Server
from telemetry.protocol import QueueAnswer, read_queue
from telemetry.protocol.wire import Unreadable
from telemetry.text import sentence
from telemetry.unanswered import NoAnswer, Refused, Rejected

LONGEST_S = 10.0


@dataclass(frozen=True, slots=True)
class Done:
    """Whether it came about, and what to tell who asked."""

    done: bool
    text: str


async def interrupt(server: Server, prompt_id: str) -> Done:
    """Interrupt the prompt, if it is the one at work."""
    return await _asked(server, prompt_id, _interrupt)


async def cancel(server: Server, prompt_id: str) -> Done:
    """Take the prompt out of the queue, if it still waits there."""
    return await _asked(server, prompt_id, _cancel)


Ask = Callable[[ComfyUI, str], Awaitable[Done]]


async def _asked(server: Server, prompt_id: str, ask: Ask) -> Done:
    if server.paused_at is not None:
        return Done(False, f"{server.name} is disconnected: connect it first.")
    comfyui = comfyui_of(server, LONGEST_S)
    try:
        return await ask(comfyui, prompt_id)
    except (Refused, NoAnswer, Rejected) as error:
        return Done(False, f"{server.name}: {sentence(str(error))}")
    except Unreadable:
        return Done(False, f"{server.name} answers, but not as a ComfyUI does.")
    finally:
        await comfyui.close()


async def _interrupt(comfyui: ComfyUI, prompt_id: str) -> Done:
    where = _place(await _queue(comfyui), prompt_id)
    if where == "waiting":
        return Done(False, "It has not begun: cancel it instead. Nothing was interrupted.")
    if where != "running":
        return Done(False, "It had already ended. Nothing was interrupted.")
    # Before 0.3.57 a ComfyUI takes no prompt_id and stops whatever runs, which was just looked up.
    await comfyui.post("/interrupt", {"prompt_id": prompt_id})
    return Done(True, "It was told to stop, which it does at its next step.")


async def _cancel(comfyui: ComfyUI, prompt_id: str) -> Done:
    where = _place(await _queue(comfyui), prompt_id)
    if where == "running":
        return Done(False, "It has begun meanwhile: interrupt it instead. Nothing was cancelled.")
    if where != "waiting":
        return Done(False, "It had already ended. Nothing was cancelled.")
    await comfyui.post("/queue", {"delete": [prompt_id]})
    # It may have begun between the look and the deletion, which then finds nothing.
    if _place(await _queue(comfyui), prompt_id):
        return Done(False, "It began just then: interrupt it instead. Nothing was cancelled.")
    return Done(True, "It is out of the queue.")


async def _queue(comfyui: ComfyUI) -> QueueAnswer:
    return read_queue((await comfyui.get("/queue")).body)


def _place(queue: QueueAnswer, prompt_id: str) -> str:
    """Return whether the prompt is running or waiting, "" for neither."""
    if any(item.prompt_id == prompt_id for item in queue.running):
        return "running"
    return "waiting" if any(item.prompt_id == prompt_id for item in queue.pending) else ""
