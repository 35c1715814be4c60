"""One prompt on its way through its nodes, and all that is said meanwhile."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import (
    TRACEBACK,
    Failure,
    Interrupted,
    NodeFailed,
    current_inputs,
    recorded_failure,
)
from .graph import ExecutionList, signature
from .logs import Tqdm
from .nodes import NODE_CLASSES, Json, NodeClass, step_seconds_of, steps_of
from .progress import ProgressBar, ProgressState
from .prompt_server import PromptServer
from .queue import QueueItem

TEMP_PREFIX = "ComfyUI_temp_kngqy"


class PromptRun:
    """Run the nodes of one prompt, and keep what its history entry will say.

    `files` counts, by prefix, the files that the server has written so far.
    """

    def __init__(self, server: PromptServer, item: QueueItem, files: Counter[str]) -> None:
        self.server, self.item, self.files = server, item, files
        self.graph, self.clock = item.prompt, server.clock
        self.keys = {node_id: signature(self.graph, node_id) for node_id in self.graph}
        self.progress = ProgressState(item.prompt_id, self.say_to_all)
        self.messages: list[tuple[str, Json]] = []
        self.executed: list[str] = []
        self.outputs: Json = {}

    @property
    def result(self) -> Json:
        meta = {
            node_id: {
                "node_id": node_id,
                "display_node": node_id,
                "parent_node": None,
                "real_node_id": node_id,
            }
            for node_id in self.outputs
        }
        return {"outputs": self.outputs, "meta": meta}

    @property
    def status(self) -> Json:
        success = self.messages[-1][0] == "execution_success"
        return {
            "status_str": "success" if success else "error",
            "completed": success,
            "messages": self.messages,
        }

    def say(self, event: str, data: Json) -> None:
        """Tell the submitter; without a client_id, nobody."""
        if self.server.client_id is not None:
            self.server.sockets.send_sync(event, data, self.server.client_id)

    def say_to_all(self, event: str, data: Json) -> None:
        """Tell the submitter; without a client_id, everybody."""
        self.server.sockets.send_sync(event, data, self.server.client_id)

    def add_message(self, event: str, *, broadcast: bool = False, **data: Any) -> None:
        """Say a lifecycle event and keep it for the history."""
        message = {"prompt_id": self.item.prompt_id, **data, "timestamp": self.clock.time_ms()}
        self.messages.append((event, message))
        (self.say_to_all if broadcast else self.say)(event, message)

    async def execute(self) -> None:
        self.add_message("execution_start")
        self.add_message("execution_cached", nodes=[n for n in self.graph if self._is_cached(n)])
        todo = ExecutionList(self.graph, self._is_cached)
        for node_id in self.item.outputs:
            todo.add_node(node_id)
        for node_id in todo:
            if not await self._survives(node_id):
                return
        self.add_message("execution_success")

    async def _survives(self, node_id: str) -> bool:
        node_type = self.graph[node_id]["class_type"]
        try:
            await self._run_node(node_id)
        except Interrupted:
            self.server.logs.info("Processing interrupted")
            self.add_message(
                "execution_interrupted",
                broadcast=True,
                node_id=node_id,
                node_type=node_type,
                executed=list(self.executed),
            )
            return False
        except NodeFailed as failed:
            self._report(node_id, node_type, failed.failure)
            return False
        return True

    def _report(self, node_id: str, node_type: str, failure: Failure) -> None:
        logs = self.server.logs
        logs.error(f"!!! Exception during processing !!! {failure.message}")
        logs.error(failure.traceback_text)
        if failure.out_of_memory:
            logs.error("Got an OOM, unloading all loaded models.")
            self.server.memory.free(unload_models=True)
        self.add_message(
            "execution_error",
            node_id=node_id,
            node_type=node_type,
            executed=list(self.executed),
            exception_message=failure.exception_message,
            exception_type=failure.exception_type,
            traceback=list(TRACEBACK),
            current_inputs=current_inputs(self.graph[node_id]),
            current_outputs=list(self.graph),
        )

    async def _run_node(self, node_id: str) -> None:
        if self._is_cached(node_id):
            self._show_output(node_id, self.server.cache.get(self.keys[node_id]), cached=True)
            self.progress.finish(node_id)
            return
        self.progress.start(node_id)
        self.server.last_node_id = node_id
        about = {"node": node_id, "display_node": node_id, "prompt_id": self.item.prompt_id}
        self.say("executing", about)
        self._stop_if_interrupted()
        await self._work(node_id)
        ui = self._write_files(node_id)
        self.server.cache.put(self.keys[node_id], ui)
        self._show_output(node_id, ui)
        self.progress.finish(node_id)
        self.executed.append(node_id)

    async def _work(self, node_id: str) -> None:
        node = self.graph[node_id]
        kind = NODE_CLASSES[node["class_type"]]
        self._load_model(node["class_type"])
        bar = ProgressBar(self.progress, node_id, steps_of(node), self.clock)
        with self._memory_of(node["class_type"]), self._tqdm_of(node, kind) as tqdm:
            async for step in self._steps(node, kind):
                if kind.progress:
                    self._stop_if_interrupted()
                    bar.update(step)
                if tqdm:
                    tqdm.update(step)
                if kind.progress and step == self.item.plan.interrupt_after:
                    self.server.interrupt()

    async def _steps(self, node: Json, kind: NodeClass) -> AsyncIterator[int]:
        """Yield 1, 2, ... as the node's steps are done, and raise where it is to fail."""
        failure = self._failure_of(node, kind)
        steps = steps_of(node) if kind.progress or kind.tqdm else 1
        for step in range(1, steps + 1):
            if failure is not None and step > failure.after:
                raise NodeFailed(failure)
            await self.clock.sleep(step_seconds_of(node) * self.item.plan.pace)
            yield step

    def _failure_of(self, node: Json, kind: NodeClass) -> Failure | None:
        if kind.fails:
            return recorded_failure(node)
        return self.item.plan.failure if kind.progress else None

    def _load_model(self, class_type: str) -> None:
        usable = self.server.memory.usable_mib
        loaded = self.server.memory.load_for(self.graph, class_type)
        if loaded is not None:
            name, mib = loaded
            self.server.logs.info(f"Requested to load {name}")
            self.server.logs.info(
                f"loaded completely; {usable:.2f} MB usable, {mib:.2f} MB loaded, full load: True"
            )

    @contextmanager
    def _memory_of(self, class_type: str) -> Iterator[None]:
        self.server.memory.work(class_type)
        try:
            yield
        finally:
            self.server.memory.rest()

    @contextmanager
    def _tqdm_of(self, node: Json, kind: NodeClass) -> Iterator[Tqdm | None]:
        if not kind.tqdm:
            yield None
            return
        tqdm = Tqdm(self.server.logs, steps_of(node), self.clock)
        try:
            yield tqdm
        finally:
            tqdm.close()

    def _write_files(self, node_id: str) -> Json | None:
        """Return the ui output of a node that writes files, with the next free name."""
        node = self.graph[node_id]
        kind = NODE_CLASSES[node["class_type"]].output
        if not kind:
            return None
        prefix = str(node["inputs"].get("filename_prefix", "ComfyUI"))
        subfolder, _, name = (TEMP_PREFIX if kind == "temp" else prefix).rpartition("/")
        self.files[name] += 1
        filename = f"{name}_{self.files[name]:05d}_.png"
        return {"images": [{"filename": filename, "subfolder": subfolder, "type": kind}]}

    def _show_output(self, node_id: str, ui: Json | None, cached: bool = False) -> None:
        if ui is None and not cached:
            return
        if ui is not None:
            self.outputs[node_id] = ui
        about = {"node": node_id, "display_node": node_id, "output": ui}
        self.say("executed", {**about, "prompt_id": self.item.prompt_id})

    def _is_cached(self, node_id: str) -> bool:
        return self.keys[node_id] in self.server.cache

    def _stop_if_interrupted(self) -> None:
        if self.server.interrupted:
            self.server.interrupted = False
            raise Interrupted
