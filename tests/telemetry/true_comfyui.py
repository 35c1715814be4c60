"""A small true ComfyUI: what really happened to each prompt, and what it says of it where.

It shares no code with what is tested: answers and frames leave it as JSON. It runs one prompt at a
time, numbers them from 0 in each life, forgets queue and history when it restarts, and takes a used
prompt_id again (as ComfyUI before 0.25 does).
"""

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NODES = ("1", "2", "3")
STEPS = 4
ENDS = {
    "success": "execution_success",
    "failed": "execution_error",
    "cancelled": "execution_interrupted",
}


@dataclass
class Use:
    """One submission of a prompt_id, and what became of it.

    `audience`: whose frames it sends: "own" (ours, all), "all" (no client_id: some, to everybody),
    "other" (none to us). `fate`: pending, running, ended, deleted or gone (with a restart).
    """

    prompt_id: str
    number: float
    audience: str
    life: int
    submitted_ms: int
    front: bool = False
    fate: str = "pending"
    started_ms: int | None = None
    ended_ms: int | None = None
    outcome: str | None = None
    node: int = 0
    step: int = 0

    def listed(self) -> list[Any]:
        """Return it as /queue and /history list it."""
        graph = {node: {"class_type": "KSampler", "inputs": {}} for node in NODES}
        extra: dict[str, Any] = {"create_time": self.submitted_ms}
        if self.audience != "all":
            extra["client_id"] = self.audience
        return [self.number, self.prompt_id, graph, extra, []]

    def entry(self) -> dict[str, Any]:
        """Return it as /history tells of it."""
        assert self.outcome is not None
        messages = [
            ["execution_start", {"prompt_id": self.prompt_id, "timestamp": self.started_ms}],
            ["execution_cached", {"prompt_id": self.prompt_id, "nodes": []}],
            [ENDS[self.outcome], self.end()],
        ]
        word = "success" if self.outcome == "success" else "error"
        status = {"status_str": word, "completed": word == "success", "messages": messages}
        return {"prompt": self.listed(), "outputs": {}, "status": status}

    def end(self) -> dict[str, Any]:
        """Return the data of its last event."""
        data: dict[str, Any] = {"prompt_id": self.prompt_id, "timestamp": self.ended_ms}
        if self.outcome != "success":
            data |= {"node_id": NODES[self.node], "node_type": "KSampler", "executed": []}
        if self.outcome == "failed":
            data |= {"exception_message": "it broke\n", "exception_type": "E", "traceback": ["t"]}
        return data


class TrueComfyUI:
    """The server. Methods do what users and itself do, and return the frames for our socket."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.life = 0
        self.up = True
        self._begin()

    def _begin(self) -> None:
        self.number = 0
        self.pending: list[Use] = []
        self.running: Use | None = None
        self.history: OrderedDict[str, Use] = OrderedDict()

    def queued_ids(self) -> set[str]:
        """Return the prompt_ids in the queue."""
        return {use.prompt_id for use in [*self.pending, *([self.running] if self.running else [])]}

    def submit(self, at: datetime, prompt_id: str, audience: str, front: bool) -> Iterator[str]:
        """Take a prompt; with `front` it runs next."""
        number = -self.number if front else self.number
        self.number += 1
        use = Use(prompt_id, number, audience, self.life, _ms(at), front)
        self.uses.append(use)
        self.pending.append(use)
        yield self._log(at, "got prompt\n")
        yield self.status()

    def start(self, at: datetime) -> Iterator[str]:
        """Run the next prompt."""
        use = min(self.pending, key=lambda waiting: waiting.number)
        self.pending.remove(use)
        self.running, use.fate, use.started_ms = use, "running", _ms(at)
        yield self.status()
        about = {"prompt_id": use.prompt_id, "timestamp": use.started_ms}
        yield from self._to_submitter("execution_start", about)
        yield from self._to_submitter("execution_cached", {**about, "nodes": []})
        yield from self._at_work()

    def _at_work(self) -> Iterator[str]:
        use = self._at_run()
        node = NODES[use.node]
        about = {"prompt_id": use.prompt_id}
        yield from self._broadcast("progress_state", {**about, "nodes": self._nodes()})
        yield from self._to_submitter("executing", {**about, "node": node, "display_node": node})

    def _nodes(self) -> dict[str, Any]:
        use = self._at_run()
        done = {"value": 1, "max": 1, "state": "finished"}
        states = {node: {**done, "node_id": node} for node in NODES[: use.node]}
        now = {"value": use.step, "max": STEPS, "state": "running", "node_id": NODES[use.node]}
        return {**states, NODES[use.node]: now}

    def step(self, at: datetime) -> Iterator[str]:
        """Make a step; after the last one go on to the next node, if there is one."""
        use = self._at_run()
        use.step += 1
        bar = f"\r 25%|██▌       | {use.step}/{STEPS} [00:01<00:01,  1.00it/s]"
        yield self._log(at, bar)
        node = NODES[use.node]
        told = {"value": use.step, "max": STEPS, "prompt_id": use.prompt_id, "node": node}
        yield from self._broadcast("progress", told)
        if use.step >= STEPS and use.node + 1 < len(NODES):
            use.node, use.step = use.node + 1, 0
            yield from self._at_work()

    def end(self, at: datetime, outcome: str) -> Iterator[str]:
        """End the running prompt; its history entry is there before the last status."""
        use = self._at_run()
        use.outcome, use.ended_ms, use.fate = outcome, _ms(at), "ended"
        if outcome == "failed":
            yield self._log(at, "!!! Exception during processing !!! it broke\n")
        if outcome == "cancelled":
            yield self._log(at, "Processing interrupted\n")
        send = self._broadcast if outcome == "cancelled" else self._to_submitter
        yield from send(ENDS[outcome], use.end())
        assert use.started_ms is not None
        took_s = (use.ended_ms - use.started_ms) / 1000
        yield self._log(at, f"Prompt executed in {took_s:.2f} seconds\n")
        self.history[use.prompt_id] = use
        self.history.move_to_end(use.prompt_id)
        self.running = None
        yield self.status()
        if use.audience == "own":
            yield _frame("executing", {"node": None, "prompt_id": use.prompt_id})

    def delete(self, place: int) -> Iterator[str]:
        """Take a waiting prompt out of the queue: no trace of it is left."""
        self.pending.pop(place).fate = "deleted"
        yield self.status()

    def stop(self) -> None:
        """End the process: what waited and ran is gone, and so is the history."""
        self.up = False
        for use in [*self.pending, *([self.running] if self.running else [])]:
            use.fate = "gone"
        self._begin()

    def begin_again(self) -> None:
        """Start the process: a new life, with numbers from 0."""
        self.up = True
        self.life += 1

    # --- What it says ---------------------------------------------------------------------------

    def queue(self) -> bytes:
        """Return the body of GET /queue; the waiting in no order."""
        running = [self.running.listed()] if self.running else []
        waiting = [use.listed() for use in reversed(self.pending)]
        return json.dumps({"queue_running": running, "queue_pending": waiting}).encode()

    def told_history(self, newest: int | None = None, only: str | None = None) -> bytes:
        """Return the body of GET /history: the newest few, or one prompt, or all."""
        uses = list(self.history.values())
        if only is not None:
            uses = [use for use in uses if use.prompt_id == only]
        if newest is not None:
            uses = uses[-newest:]
        return json.dumps({use.prompt_id: use.entry() for use in uses}).encode()

    def status(self) -> str:
        """Return the frame that everybody gets."""
        count = len(self.pending) + (self.running is not None)
        return _frame("status", {"status": {"exec_info": {"queue_remaining": count}}})

    def _to_submitter(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        use = next(u for u in reversed(self.uses) if u.prompt_id == data["prompt_id"])
        if use.audience == "own":
            yield _frame(kind, data)

    def _broadcast(self, kind: str, data: dict[str, Any]) -> Iterator[str]:
        use = next(u for u in reversed(self.uses) if u.prompt_id == data["prompt_id"])
        if use.audience != "other":
            yield _frame(kind, data)

    def _log(self, at: datetime, text: str) -> str:
        entry = {"t": at.replace(tzinfo=None).isoformat(), "m": text}
        return _frame("logs", {"entries": [entry], "size": None})

    def _at_run(self) -> Use:
        assert self.running is not None
        return self.running


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _frame(kind: str, data: dict[str, Any]) -> str:
    return json.dumps({"type": kind, "data": data})
