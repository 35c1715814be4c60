"""A server's node packs, asked of a simulated ComfyUI over real HTTP."""

import asyncio

import pytest
from msgspec import structs

from telemetry import packs
from telemetry import transitions as t
from telemetry.comfyui import ComfyUI
from telemetry.contact import StatsTold
from telemetry.machine import ServerState
from telemetry.simulator import routes
from tests import cast
from tests.telemetry import gpus
from tests.telemetry.simulated import Kept, simulator, tqdm_graph, until, watched
from tests.telemetry.test_watch import quick, run  # noqa: F401  the fixture is used by its name


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(packs, "SETTLE_S", 0.05)
    monkeypatch.setattr(packs, "REST_S", 0.05)


@pytest.fixture
def asked(monkeypatch):
    """Return the paths that are asked of servers, as they are asked."""
    paths, get = [], ComfyUI.get

    async def noted(self, path, **query):
        paths.append(path)
        return await get(self, path, **query)

    monkeypatch.setattr(ComfyUI, "get", noted)
    return paths


def told(kept: Kept):
    changes = [c.node_packs for c in kept.of(t.EnvironmentChanged)]
    return [one for one in changes if one is not None]


def test_it_learns_the_packs_of_a_stock_server_from_its_nodes(asked):
    async def work():
        async with simulator() as sim, watched(sim) as (_, kept):
            await until(lambda: told(kept), "the packs")
            return told(kept)

    [found] = run(work)
    assert list(found) == ["scenewatch_test_nodes"]
    assert found["scenewatch_test_nodes"].startswith("5 nodes, ")
    assert [path for path in asked if "node" in path or "info" in path] == [
        *packs.MANAGER,
        packs.ALL_NODES,
    ]


def test_it_asks_for_all_nodes_only_while_nothing_runs(asked):
    async def work():
        async with simulator(speed=1.0) as sim, watched(sim) as (watch, kept):
            sim.submit(tqdm_graph(steps=10), client_id="a")
            await until(lambda: watch.state.running_attempt(), "a prompt at work")
            await until(lambda: packs.MANAGER[-1] in asked, "the manager")
            early = packs.ALL_NODES in asked
            await until(lambda: told(kept), "the packs")
            return early

    assert run(work) is False


def test_it_asks_once_in_a_life_and_again_in_the_next(asked):
    async def work():
        async with simulator() as sim, watched(sim) as (watch, kept):
            await until(lambda: told(kept), "the packs")
            watch.packs.follow([t.SocketDropped(kept.changes[0].at, "closed")])
            await asyncio.sleep(0.3)
            once = asked.count(packs.ALL_NODES)
            watch.packs.follow([t.ServerRestarted(kept.changes[0].at, 0)])
            await until(lambda: asked.count(packs.ALL_NODES) == 2, "the next life")
            return once, told(kept)

    once, found = run(work)
    assert once == 1
    assert len(found) == 1  # the same packs are no change


def test_an_answer_that_is_too_large_is_not_read_and_nothing_else_suffers(monkeypatch, caplog):
    monkeypatch.setattr(packs, "LARGEST_BYTES", 200)
    monkeypatch.setattr(routes, "object_info", lambda: {"A": "x" * 1000})
    caplog.set_level("INFO", "telemetry.packs")

    async def work():
        async with simulator() as sim, watched(sim) as (_, kept):
            await until(lambda: "its node packs" in caplog.text, "a word of it")
            prompt_id = sim.submit(tqdm_graph(steps=1), client_id="a")
            await until(lambda: kept.of(t.AttemptEnded), "the end of a prompt")
            return prompt_id, told(kept)

    prompt_id, found = run(work)
    assert prompt_id
    assert found == []


def environments(*events):
    """Return the node packs of each environment that a fresh server's events tell."""
    state, found = ServerState(), []
    for event in events:
        found += state.apply(event, cast.NOON)
    return [one.node_packs for one in found if isinstance(one, t.EnvironmentChanged)]


def test_packs_that_are_told_before_the_first_stats_go_with_them():
    """A server that is just up answers what is short first."""
    assert environments(packs.PacksTold({"a": "1"}), gpus.stats_told()) == [{"a": "1"}]


def test_the_packs_of_an_earlier_life_do_not_go_with_later_stats():
    later = StatsTold(structs.replace(gpus.stats(), comfyui_version="0.34.0"))

    assert environments(packs.PacksTold({"a": "1"}), gpus.stats_told(), later) == [{"a": "1"}, None]
