"""The scenarios: the same again for the same seed, and something to see."""

from collections import Counter
from itertools import islice

import pytest

from telemetry.simulator import SCENARIOS, Simulator
from telemetry.simulator.validation import validate_prompt
from telemetry.simulator.workloads import Order, orders

from .client import Client, in_loop


def first(scenario: str, count: int, seed: int = 1) -> list[Order]:
    return list(islice(orders(SCENARIOS[scenario], seed), count))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_orders_the_same_for_the_same_seed(scenario: str) -> None:
    assert first(scenario, 50, seed=7) == first(scenario, 50, seed=7)


def test_it_orders_something_else_for_another_seed() -> None:
    assert first("healthy", 5, seed=1) != first("healthy", 5, seed=2)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_orders_graphs_that_can_run(scenario: str) -> None:
    for order in first(scenario, 30):
        outputs, node_errors = validate_prompt(order.graph)
        assert (len(outputs), node_errors) == (1, {})


def test_it_names_run_scene_story_user_and_attempt() -> None:
    for order in first("healthy", 20):
        assert order.extra_data.keys() == {"run_id", "scene_id", "story_id", "user", "attempt"}


def test_it_sends_several_artists() -> None:
    assert {order.client_id for order in first("healthy", 50)} == {
        "mira-3f2a",
        "jonas-b81c",
        "aiko-77d0",
    }


def test_it_tries_a_failed_scene_again() -> None:
    failed, seen = set(), set()
    for order in first("failing", 200):
        scene = (order.extra_data["run_id"], order.extra_data["scene_id"])
        if order.extra_data["attempt"] == 2:
            seen.add(scene)
        elif order.plan.failure or order.plan.interrupt_after:
            failed.add(scene)

    assert seen
    assert seen <= failed


def test_it_fails_in_every_way_when_failing() -> None:
    plans = [order.plan for order in first("failing", 200)]

    types = {plan.failure.exception_type for plan in plans if plan.failure}
    assert types == {"torch.OutOfMemoryError", "ValueError"}
    assert any(plan.interrupt_after for plan in plans)
    assert any(plan.remove for plan in plans)
    assert any(plan.succeeds for plan in plans)


def test_it_mixes_all_there_is() -> None:
    plans = [order.plan for order in first("mixed", 300)]

    paces = sorted(plan.pace for plan in plans if plan.succeeds)
    assert paces[0] < 0.2
    assert paces[-1] > 4
    assert any(plan.failure for plan in plans)
    assert any(plan.interrupt_after for plan in plans)
    assert any(plan.remove for plan in plans)


def test_it_storms_as_fast_as_the_rate_leaves_time() -> None:
    orders_a_second = 6000 / 60
    hurried = SCENARIOS["storm"].at(6000)

    paces = [order.plan.pace for order in islice(orders(hurried, 1), 500)]

    assert sum(paces) / len(paces) == pytest.approx(0.98 / orders_a_second, rel=0.05)


@in_loop
async def test_it_storms_with_a_deep_queue() -> None:
    async with Simulator("storm", speed=2, rate=2400) as simulator:
        queue, longest, shortest = simulator.server.prompt_queue, 0, 1000
        async with Client(simulator.url) as client:
            listener = await client.listen("observer")
            while len(queue.history) < 100:
                await listener.has("status", len(listener.messages) + 1)
                longest = max(longest, queue.tasks_remaining)
                shortest = min(shortest, queue.tasks_remaining)

    assert 150 < shortest <= longest <= SCENARIOS["storm"].backlog + 1


@in_loop
async def test_it_shows_failures_and_removals_when_failing() -> None:
    async with Simulator("failing", speed=2000, rate=6) as simulator:
        queue = simulator.server.prompt_queue
        wanted = {"completed", "failed", "cancelled"}
        async with Client(simulator.url) as client:
            listener = await client.listen("observer")
            seen: set[str] = set()
            while not (wanted <= seen and simulator.server.number > len(queue.history) + 2):
                await listener.has("status", len(listener.messages) + 3)
                jobs = (await client.get("/api/jobs"))["jobs"]
                seen = {job["status"] for job in jobs}

    assert wanted <= seen


@in_loop
async def test_it_does_not_queue_without_end_when_slow() -> None:
    async with Simulator("slow", speed=500, rate=600) as simulator:
        queue = simulator.server.prompt_queue
        longest = 0
        async with Client(simulator.url) as client:
            listener = await client.listen("observer")
            while len(queue.history) < 2:
                await listener.has("status", len(listener.messages) + 1)
                longest = max(longest, queue.tasks_remaining)

    assert longest == SCENARIOS["slow"].backlog


@in_loop
async def test_it_moves_vram_with_the_running_prompt() -> None:
    async with Simulator("healthy", speed=100) as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer")
        free: Counter[int] = Counter()
        while len(free) < 3:
            await listener.has("status", len(listener.messages) + 1)
            [device] = (await client.get("/system_stats"))["devices"]
            free[device["vram_free"]] += 1

    assert device["type"] == "cuda"
    assert all(0 <= value <= device["vram_total"] for value in free)
