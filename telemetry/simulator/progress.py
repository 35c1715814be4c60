"""Progress of the running prompt, as `progress_state` and `progress` tell it."""

from collections.abc import Callable

from .clock import Clock
from .nodes import Json

Say = Callable[[str, Json], None]
# comfy/utils.py sends the first and the last step, and between them only so often.
MIN_SECONDS = 0.1
MIN_CHANGE = 0.005


class ProgressState:
    """Keep every started node of one prompt; each change repeats them all."""

    def __init__(self, prompt_id: str, say: Say) -> None:
        self.prompt_id = prompt_id
        self.say = say
        self.nodes: dict[str, Json] = {}

    def start(self, node_id: str) -> None:
        self._set(node_id, value=0.0, max=1.0, state="running")

    def update(self, node_id: str, value: int, total: int) -> None:
        self._set(node_id, value=value, max=total, state="running")
        data = {"value": value, "max": total, "prompt_id": self.prompt_id, "node": node_id}
        self.say("progress", data)

    def finish(self, node_id: str) -> None:
        """Mark a node finished; one that never started was in the cache."""
        total = self.nodes.get(node_id, {"max": 1})["max"]
        self._set(node_id, value=total, max=total, state="finished")

    def _set(self, node_id: str, **now: object) -> None:
        ids = {
            "node_id": node_id,
            "prompt_id": self.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }
        self.nodes[node_id] = {**now, **ids}
        self.say("progress_state", {"prompt_id": self.prompt_id, "nodes": self.nodes})


class ProgressBar:
    """Pass a node's steps on to the ProgressState, throttled as ComfyUI does."""

    def __init__(self, state: ProgressState, node_id: str, total: int, clock: Clock) -> None:
        self.state, self.node_id, self.total, self.clock = state, node_id, total, clock
        self._sent_value = 0
        self._sent_at = float("-inf")

    def update(self, value: int) -> None:
        if self._is_due(value):
            self._sent_value, self._sent_at = value, self.clock.elapsed()
            self.state.update(self.node_id, value, self.total)

    def _is_due(self, value: int) -> bool:
        if value >= self.total or self._sent_value == 0:
            return True
        waited = self.clock.elapsed() - self._sent_at >= MIN_SECONDS
        return waited and (value - self._sent_value) / self.total >= MIN_CHANGE
