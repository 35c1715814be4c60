"""A team's overview on the wall: what is retained is always what was read last."""

import asyncio
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError

from telemetry import board as board_module
from telemetry.board import OURS, Board, rendered
from telemetry.models import Server, Team
from telemetry.overview import Overview
from telemetry.stores import live_store
from telemetry.topics import Topic, Topics
from telemetry.transitions import AttemptEnded, Key, NodeFinished
from telemetry.wall_page import context
from telemetry.words import Grade, Outcome
from tests.telemetry.sample_cards import NOW, overview, run_row, tile
from tests.telemetry.simulated import until
from tests.telemetry.simulator.client import in_loop

END = AttemptEnded(Key("a", 0), Outcome.SUCCESS, Grade.LOG, NOW, NOW)


class Told:
    """What the record says, read by as many collectors as ask."""

    def __init__(self):
        self.overview = overview()
        self.readings = 0
        self.away = False

    async def read(self, team_id):
        self.readings += 1
        if self.away:
            raise OperationalError("the database is away")
        return replace(self.overview, read_at=NOW + timedelta(seconds=self.readings))


@pytest.fixture(autouse=True)
def quick(monkeypatch, settings):
    monkeypatch.setattr(board_module, "EVERY_S", 0.02)
    monkeypatch.setattr(board_module, "AGAIN_S", 0.02)
    settings.LIVE_WINDOW_MS = 10


@pytest.fixture
def told():
    return Told()


@asynccontextmanager
async def collecting(told):
    """Yield the board of a team in a collector of its own."""
    topics = Topics(read=told.read)
    yield topics.of(1).board
    for task in topics._tasks:
        task.cancel()


@asynccontextmanager
async def showing(told):
    """Yield the board of a team in a collector of its own, once the wall shows what is told."""
    async with collecting(told) as board:
        await shows(told.overview)
        yield board


def changed(board, *, by=END, saved=None):
    """Have a change of a run recorded, at once unless `saved` says when."""
    board.topic.recorded([by], saved or done())


def done():
    future = Future()
    future.set_result(None)
    return future


async def look_once(team, told):
    """Have a collector look at a team once, and its wall show that."""
    topic = Topic(f"team-{team.pk}")
    board = Board(team.pk, topic, told.read)
    task = asyncio.create_task(topic.run())
    await board._look()
    async with asyncio.timeout(5):
        while not (await live_store().snapshot(topic.name)).fragments:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    task.cancel()


async def on_the_wall():
    fragments = (await live_store().snapshot("team-1")).fragments
    return {f.id: f.html for f in fragments}


async def shows(expected):
    """Wait until the wall shows an overview, all of it and nothing else."""
    fresh = {fragment.id: fragment.html for fragment in rendered(expected)}
    async with asyncio.timeout(5):
        while await on_the_wall() != fresh:  # noqa: ASYNC110  a wall tells nobody
            await asyncio.sleep(0.005)


@in_loop
async def test_it_shows_the_team_as_soon_as_a_collector_begins(told):
    async with collecting(told):
        await shows(told.overview)


@in_loop
async def test_it_is_read_anew_once_a_change_is_recorded(told):
    async with showing(told) as board:
        before, pending = told.readings, Future()
        changed(board, saved=pending)
        await asyncio.sleep(0.1)
        assert told.readings == before

        told.overview = overview(runs=(run_row(9),))
        pending.set_result(None)
        await shows(told.overview)


@in_loop
async def test_it_is_read_anew_also_where_a_change_was_refused(told):
    async with showing(told) as board:
        told.overview = overview(runs=())
        refused = Future()
        refused.set_exception(RuntimeError("somebody else follows the server now"))
        changed(board, saved=refused)
        await shows(told.overview)


@in_loop
async def test_it_costs_nothing_while_no_run_changes(told):
    async with showing(told) as board:
        before = told.readings
        changed(board, by=NodeFinished(Key("a", 0), "3", None, None, None))
        await asyncio.sleep(0.2)
        assert told.readings == before


@in_loop
async def test_it_is_read_at_most_once_in_its_time(told, monkeypatch):
    monkeypatch.setattr(board_module, "EVERY_S", 60)
    async with showing(told) as board:
        for _ in range(50):
            changed(board)
            await asyncio.sleep(0.005)
        assert told.readings == 1


@in_loop
async def test_it_is_read_when_time_alone_changes_it(told):
    told.overview = overview(due_at=NOW, runs=(run_row(8),))
    async with showing(told):
        told.overview = overview(runs=())
        await shows(told.overview)


@in_loop
async def test_it_sends_only_what_is_different(told):
    async with showing(told) as board:
        assert (await live_store().snapshot("team-1")).stamp.seq == 1
        tiles = (tile(value="9"), *told.overview.tiles[1:])
        told.overview = replace(told.overview, tiles=tiles, runs=told.overview.runs[1:])

        await board._look()

        sent = [(f.id, bool(f.html)) for f in board.change(NOW).fragments]
        assert sent == [("run-7-mini", False), ("summary-runs", True)]


@in_loop
async def test_a_restarted_collector_takes_off_what_ended_meanwhile(told):
    async with showing(told):
        pass
    told.overview = overview(runs=(run_row(20),), more="")
    async with collecting(told):
        await shows(told.overview)


@in_loop
async def test_of_two_collectors_the_later_reading_is_shown(told):
    async with showing(told) as one, showing(told) as other:
        first = told.overview
        told.overview = overview(runs=())
        changed(one)
        await shows(told.overview)
        # The other one's last reading was the same as this: it compares with what is retained.
        told.overview = first
        changed(other)
        await shows(first)


@in_loop
async def test_a_reading_that_is_overtaken_changes_nothing(told):
    topic = Topic("team-1")
    early, late = Board(1, topic, told.read), Board(1, topic, told.read)

    async def held_up(team_id):
        reading = await told.read(team_id)
        await late._look()
        return reading

    early._read = held_up
    await early._look()

    assert not early.change(NOW)
    assert late.change(NOW)


@in_loop
async def test_it_is_shown_again_after_the_store_lost_it(told):
    async with showing(told) as board:
        for prefix in OURS:
            await live_store().forget("team-1", prefix)
        assert await on_the_wall() == {}
        board.topic._tell_all_again()
        await shows(told.overview)


@in_loop
async def test_it_goes_on_once_the_database_is_back(told):
    told.away = True
    async with collecting(told):
        await until(lambda: told.readings > 2, "further tries")
        told.away = False
        await shows(told.overview)


@pytest.mark.django_db
def test_a_page_shows_runs_in_the_order_of_their_numbers(told):
    told.overview = overview(runs=(run_row(9), run_row(10), run_row(100)))
    team = Team.objects.create(name="Northlight", slug="northlight")

    asyncio.run(look_once(team, told))

    runs = context(team)["runs"]
    assert [html.split('"')[1] for html in runs] == ["run-9-mini", "run-10-mini", "run-100-mini"]


@pytest.mark.django_db
def test_a_page_says_that_nothing_is_known_before_the_first_reading():
    team = Team.objects.create(name="Northlight", slug="northlight")
    Server.objects.create(team=team, name="kino-01", url="http://kino-01:8188")

    told = context(team)

    assert len(told["tiles"]) == len(Overview(NOW).tiles)
    assert all("<dd data-flash>–</dd>" in html for html in told["tiles"])
    assert told["runs"] == []


def test_what_a_submitter_says_of_itself_is_text_and_nothing_else():
    hostile = (
        "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><?server-1-step text?>{{ 7 }}"
    )
    row = run_row(name=hostile, of=hostile, submitter=hostile, where=hostile)

    [html] = [f.html for f in rendered(overview(runs=(row,))) if f.id == "run-7-mini"]

    assert "<script" not in html
    assert "<img" not in html
    assert "<?" not in html
