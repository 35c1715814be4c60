"""A measured load: as many events a second as asked for, in the mix of a busy server."""

from collections import Counter
from collections.abc import Iterator
from random import Random

from .clock import Clock
from .load import submit
from .logs import GREEN, Tqdm
from .prompt_run import PromptRun
from .prompt_server import PromptServer
from .queue import QueueItem
from .workloads import Order, Scenario, orders

EVENTS_PER_S = 20.0
PROMPT_S = 30.0
WAITING = 3
SAMPLER = "KSampler"
# What is said of a prompt beside its redraws: two at its arrival, and start, end, the last line.
SAID_BESIDE = 5
# Whoever was stopped for longer than this does not catch up.
LATE_S = 1.0
PROMPTS = Scenario(1.0, WAITING, pace=(0.9, 1.1), outcomes={"success": 1}, template="sdxl")


class Steady:
    """Submit prompts of about 30 s and run them, saying `events` frames a simulated second.

    An observer with the log stream gets one frame for each. Most are redraws of a bar; the rest
    are `status` and the lines of a prompt's life. Servers with other seeds tick and change
    prompts at other moments. Nodes are not run one by one, and interrupts are not looked at.
    """

    def __init__(self, events: float, seed: int, clock: Clock) -> None:
        if events <= 0:
            raise ValueError(f"events must be above 0 a second, not {events}")
        self.events, self.clock, self.seed = events, clock, seed
        self.orders = orders(PROMPTS, seed)

    async def run(self, server: PromptServer) -> None:
        """Take the executor's place; each moment is reckoned from the first, so none drifts."""
        rng = Random(self.seed)
        due = self.clock.elapsed() + rng.random() / self.events
        await self.clock.sleep(due - self.clock.elapsed())
        for said in self._life(server, shortened=rng.uniform(0.1, 1.0)):
            due = max(due + said / self.events, self.clock.elapsed() - LATE_S)
            await self.clock.sleep(max(0.0, due - self.clock.elapsed()))

    def _life(self, server: PromptServer, shortened: float) -> Iterator[int]:
        """Say a frame or two and yield how many, without end; the first prompt is shorter."""
        queue, length = server.prompt_queue, shortened
        while True:
            while len(queue.pending) < WAITING:
                yield self._arrive(server)
            yield from self._run(server, queue.take(), length)
            length = 1.0

    def _arrive(self, server: PromptServer) -> int:
        order = next(self.orders)
        _sampler(order)["steps"] = self._steps(order.plan.pace)
        submit(server, order)
        return 2

    def _run(self, server: PromptServer, item: QueueItem, length: float) -> Iterator[int]:
        yield 1  # `status`: it was taken off the queue
        run, started_at = PromptRun(server, item, Counter()), self.clock.time()
        server.client_id = item.extra_data.get("client_id")
        run.add_message("execution_start")
        run.add_message("execution_cached", nodes=[])
        server.memory.work(SAMPLER)
        yield from self._sample(server, self._steps(item.plan.pace * length))
        server.memory.rest()
        run.add_message("execution_success")
        server.prompt_queue.task_done(run.result, run.status)
        seconds = self.clock.time() - started_at
        server.logs.info(GREEN.format(f"Prompt executed in {seconds:.2f} seconds"))
        yield 2

    def _sample(self, server: PromptServer, steps: int) -> Iterator[int]:
        """Draw a bar over and over; in the middle of it somebody submits the next prompt."""
        bar = Tqdm(server.logs, steps, self.clock, min_interval=0.0)
        yield 1
        for step in range(1, steps):
            bar.update(step)
            yield 1
            if step == steps // 2:
                yield self._arrive(server)
        bar.value = steps
        bar.close()
        yield 1

    def _steps(self, pace: float) -> int:
        return max(2, round(PROMPT_S * pace * self.events) - SAID_BESIDE)


def _sampler(order: Order) -> dict[str, object]:
    inputs: dict[str, object] = next(
        node["inputs"] for node in order.graph.values() if node["class_type"] == SAMPLER
    )
    return inputs
