"""ComfyUI's PromptQueue: what waits, what runs, what was."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from .nodes import Graph, Json
from .workloads import Plan

MAXIMUM_HISTORY_SIZE = 10000


@dataclass(frozen=True, order=True)
class QueueItem:
    """One submitted prompt; the smallest number runs first.

    `plan` is the simulator's own and never leaves it.
    """

    number: float
    prompt_id: str
    prompt: Graph = field(compare=False)
    extra_data: Json = field(compare=False)
    outputs: list[str] = field(compare=False)
    plan: Plan = field(compare=False, default_factory=Plan)

    def as_list(self) -> list[object]:
        return [self.number, self.prompt_id, self.prompt, self.extra_data, self.outputs]


class PromptQueue:
    """Hold pending prompts as a heap, at most one running prompt, and the history.

    `changed` is called wherever ComfyUI calls queue_updated, which is what makes the three
    `status` messages of a prompt. History changes are silent.
    """

    def __init__(
        self, changed: Callable[[], None], history_size: int = MAXIMUM_HISTORY_SIZE
    ) -> None:
        self.changed = changed
        self.history_size = history_size
        self.pending: list[QueueItem] = []
        self.running: QueueItem | None = None
        self.history: dict[str, Json] = {}
        self._filled = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def tasks_remaining(self) -> int:
        return len(self.pending) + (self.running is not None)

    def put(self, item: QueueItem) -> None:
        heapq.heappush(self.pending, item)
        self._touch()

    async def get(self) -> QueueItem:
        """Wait for a prompt and make it the running one."""
        await self._filled.wait()
        return self.take()

    def take(self) -> QueueItem:
        """Make the first pending prompt the running one; IndexError if none waits."""
        self.running = heapq.heappop(self.pending)
        self._touch()
        return self.running

    def task_done(self, result: Json, status: Json) -> None:
        """Move the running prompt to the history.

        The size is checked before the entry is added, so one more than the maximum is kept. An
        id that is used again keeps its old place.
        """
        item, self.running = self.running, None
        if item is None:
            return
        if len(self.history) > self.history_size:
            del self.history[next(iter(self.history))]
        self.history[item.prompt_id] = {
            "prompt": item.as_list(),
            "outputs": {},
            "status": status,
            **result,
        }
        self._touch()

    def wipe(self) -> None:
        self.pending.clear()
        self._touch()

    def delete(self, prompt_id: str) -> bool:
        """Remove a pending prompt and say whether it was there.

        The last one goes by wiping, which is why ComfyUI then says `status` twice.
        """
        found = next((item for item in self.pending if item.prompt_id == prompt_id), None)
        if found is None:
            return False
        if len(self.pending) == 1:
            self.wipe()
        else:
            self.pending.remove(found)
            heapq.heapify(self.pending)
        self._touch()
        return True

    def get_history(self, max_items: int | None = None, offset: int = -1) -> dict[str, Json]:
        """Return entries oldest first: the newest `max_items`, or from `offset` on."""
        if offset < 0 and max_items is not None:
            offset = len(self.history) - max_items
        entries = list(self.history.items())[max(offset, 0) :]
        # A limit of 0 or less ends ComfyUI's loop only after its first round.
        return dict(entries if max_items is None else entries[: max(max_items, 1)])

    def _touch(self) -> None:
        _set(self._filled, bool(self.pending))
        _set(self.idle, not self.tasks_remaining)
        self.changed()


def _set(event: asyncio.Event, value: bool) -> None:
    if value:
        event.set()
    else:
        event.clear()
