"""ComfyUI's PromptServer: everything that a restart loses."""

import json
import uuid

from .clock import Clock
from .graph import OutputCache
from .logs import LogStream
from .memory import Memory
from .nodes import Graph, Json
from .queue import MAXIMUM_HISTORY_SIZE, PromptQueue, QueueItem
from .sockets import Sockets
from .validation import Refused, is_prompt_id, refusal, validate_prompt
from .workloads import Plan

SENSITIVE = ("auth_token_comfy_org", "api_key_comfy_org")
INVALID_PROMPT_ID = (
    "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the "
    "server generate one"
)


class PromptRefused(Exception):
    """ComfyUI answered 400; `body` is what it said."""

    def __init__(self, body: Json) -> None:
        super().__init__(body["error"]["message"])
        self.body = body


class PromptServer:
    """Take prompts, hold queue, history, sockets, log and memory of one server life.

    `client_id` is that of the prompt run last, `last_node_id` the node running now.
    """

    def __init__(
        self, clock: Clock, seed: int = 1, history_size: int = MAXIMUM_HISTORY_SIZE
    ) -> None:
        self.clock = clock
        self.number = 0
        self.client_id: str | None = None
        self.last_node_id: str | None = None
        self.interrupted = False
        self.sockets = Sockets(clock)
        self.subscriptions: set[str] = set()
        self.logs = LogStream(clock, self._send_logs)
        self.prompt_queue = PromptQueue(self.queue_updated, history_size)
        self.cache = OutputCache()
        self.memory = Memory(seed)
        self._free: Json = {}

    def get_queue_info(self) -> Json:
        return {"exec_info": {"queue_remaining": self.prompt_queue.tasks_remaining}}

    def queue_updated(self) -> None:
        self.sockets.send_sync("status", {"status": self.get_queue_info()})

    def accept(self, body: Json, usage_source: str | None = None, plan: Plan | None = None) -> Json:
        """Queue the prompt of a POST /prompt body and return the answer, or raise PromptRefused.

        A number is used up even by a prompt that is refused.
        """
        self.logs.info("got prompt")
        number = self._take_number(body)
        if "prompt" not in body:
            raise PromptRefused(refusal("no_prompt", "No prompt provided", "No prompt provided"))
        prompt_id = self._prompt_id(body)
        try:
            outputs, node_errors = validate_prompt(body["prompt"])
        except Refused as refused:
            self.logs.log("WARNING", f"invalid prompt: {refused.body['error']}")
            raise PromptRefused(refused.body) from None
        extra_data = self._extra_data(body, usage_source)
        self.prompt_queue.put(
            QueueItem(number, prompt_id, body["prompt"], extra_data, outputs, plan or Plan())
        )
        return {"prompt_id": prompt_id, "number": number, "node_errors": node_errors}

    def interrupt(self, prompt_id: str | None = None) -> None:
        """Ask the running prompt to stop; with an id, only if that one is running."""
        running = self.prompt_queue.running
        if not prompt_id:
            self.logs.info("Global interrupt (no prompt_id specified)")
            self.interrupted = True
        elif running is not None and running.prompt_id == prompt_id:
            self.logs.info(f"Interrupting prompt {prompt_id}")
            self.interrupted = True
        else:
            self.logs.info(f"Prompt {prompt_id} is not currently running, skipping interrupt")

    def cancel(self, prompt_id: str) -> bool:
        """Interrupt a running prompt or delete a pending one; say whether there was one."""
        running = self.prompt_queue.running
        if running is not None and running.prompt_id == prompt_id:
            self.interrupt(prompt_id)
            return True
        return self.prompt_queue.delete(prompt_id)

    def free(self, flags: Json) -> None:
        """Free memory, after the running prompt if there is one."""
        self._free.update(flags)
        if self.prompt_queue.running is None:
            self.apply_free()

    def apply_free(self) -> None:
        flags, self._free = self._free, {}
        if flags.get("unload_models") or flags.get("free_memory"):
            self.memory.free(unload_models=bool(flags.get("unload_models")))
        if flags.get("free_memory"):
            self.cache = OutputCache()

    def subscribe_logs(self, client_id: str, enabled: bool) -> None:
        if enabled:
            self.subscriptions.add(client_id)
        else:
            self.subscriptions.discard(client_id)

    def _send_logs(self, data: Json) -> None:
        self.subscriptions &= self.sockets.by_sid.keys()
        if not self.subscriptions:
            return
        size = self.logs.changed_size()
        for client_id in self.subscriptions:
            self.sockets.send_sync("logs", {**data, "size": size}, client_id)

    def _take_number(self, body: Json) -> float:
        if "number" in body:
            return float(body["number"])
        number = -self.number if body.get("front") else self.number
        self.number += 1
        return number

    def _prompt_id(self, body: Json) -> str:
        given = body.get("prompt_id")
        if given is None:
            return str(uuid.uuid4())
        if is_prompt_id(given):
            return str(given)
        message = "prompt_id must be a valid UUID"
        raise PromptRefused(refusal("invalid_prompt_id", message, INVALID_PROMPT_ID))

    def _extra_data(self, body: Json, usage_source: str | None) -> Json:
        """Return what is kept of extra_data; one that is not an object is ComfyUI's 500."""
        extra_data: Json = body.get("extra_data", {})
        if not isinstance(extra_data, dict):
            raise TypeError(f"extra_data is {json.dumps(extra_data)}, not an object")
        kept = {key: value for key, value in extra_data.items() if key not in SENSITIVE}
        if "client_id" in body:
            kept["client_id"] = body["client_id"]
        if usage_source:
            kept["comfy_usage_source"] = usage_source
        kept["create_time"] = self.clock.time_ms()
        return kept


def prompt_body(
    graph: Graph, client_id: str | None, extra_data: Json | None, **more: object
) -> Json:
    """Return a POST /prompt body; what is None is left out."""
    given = {"client_id": client_id, "extra_data": extra_data, **more}
    return {"prompt": graph} | {key: value for key, value in given.items() if value is not None}
