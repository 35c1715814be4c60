"""The artists: submit a scenario's prompts at its rate."""

from collections.abc import Iterator

from .clock import Clock
from .prompt_server import PromptServer, prompt_body
from .workloads import Order, Scenario


class Load:
    """Submit prompts for ever, holding back while enough of them wait.

    `rate` is in prompts per simulated minute. Gaps between prompts are even: what varies is how
    long the prompts take. The first `ahead` come at once. The orders outlive a restart of the
    server.
    """

    def __init__(self, orders: Iterator[Order], scenario: Scenario, clock: Clock) -> None:
        self.orders, self.gap, self.clock = orders, 60.0 / scenario.rate, clock
        self.backlog, self.ahead = scenario.backlog, scenario.ahead

    async def run(self, server: PromptServer) -> None:
        while server.prompt_queue.tasks_remaining < self.ahead:
            submit(server, next(self.orders))
        due = 0.0
        for order in self.orders:
            # Who removes a prompt sends it right behind another: it has to be pending a while.
            if not order.plan.remove:
                await self.clock.sleep(due)
                due = 0.0
                await self._room(server)
            submit(server, order)
            due += self.gap
            if order.plan.remove:
                await self.clock.sleep(self.gap / 4)
                server.prompt_queue.delete(order.prompt_id)

    async def _room(self, server: PromptServer) -> None:
        while server.prompt_queue.tasks_remaining >= self.backlog:
            await self.clock.sleep(min(1.0, self.gap))


def submit(server: PromptServer, order: Order) -> None:
    body = prompt_body(order.graph, order.client_id, order.extra_data, prompt_id=order.prompt_id)
    server.accept(body, plan=order.plan)
