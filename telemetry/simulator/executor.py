"""ComfyUI's PromptExecutor: run one prompt at a time."""

from collections import Counter

from .logs import GREEN
from .prompt_run import PromptRun
from .prompt_server import PromptServer
from .queue import QueueItem


class PromptExecutor:
    """Take prompts off the queue for ever and number the files they write."""

    def __init__(self, server: PromptServer) -> None:
        self.server = server
        self.files: Counter[str] = Counter()

    async def run(self) -> None:
        while True:
            await self.execute(await self.server.prompt_queue.get())

    async def execute(self, item: QueueItem) -> None:
        """Run one prompt; the history is written before the last `status` is said."""
        server, started_at = self.server, self.server.clock.time()
        server.interrupted = False
        server.client_id = item.extra_data.get("client_id")
        run = PromptRun(server, item, self.files)
        await run.execute()
        server.last_node_id = None
        server.prompt_queue.task_done(run.result, run.status)
        run.say("executing", {"node": None, "prompt_id": item.prompt_id})
        seconds = server.clock.time() - started_at
        server.logs.info(GREEN.format(f"Prompt executed in {seconds:.2f} seconds"))
        server.apply_free()
