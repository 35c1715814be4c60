"""The hostile server: every kind of lie, in a known order, between prompts that are real."""

import json
from email.utils import parsedate_to_datetime
from itertools import islice
from random import Random
from typing import Any

import aiohttp
import pytest

from telemetry.simulator import Simulator
from telemetry.simulator.clock import Clock
from telemetry.simulator.distortions import DEPTH, DISTORTIONS, HUGE
from telemetry.simulator.liar import BROKEN_ONE_IN, OFFSETS_S, Liar
from telemetry.simulator.lies import BROKEN, LIES, STORIES, Sight, rounds
from telemetry.simulator.poison import STRINGS, poison, poisoned
from telemetry.simulator.stats import VERSION

from .client import Client, in_loop, slow_graph

RUNNING, ENDED = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SIGHT = Sight(RUNNING, ENDED, 1_700_000_000_000)
VALUE = {"name": "x", "number": 3, "list": [1, {"deep": "y"}]}
ROUND = len(BROKEN) + 3 * len(STORIES)


def test_it_tells_every_lie_once_a_round() -> None:
    assert set(islice(rounds(1), ROUND)) == set(LIES)


def test_it_lies_in_the_same_order_for_the_same_seed() -> None:
    assert list(islice(rounds(4), 500)) == list(islice(rounds(4), 500))
    assert list(islice(rounds(4), 500)) != list(islice(rounds(5), 500))


@pytest.mark.parametrize("name", LIES)
def test_it_says_the_same_lie_for_the_same_seed(name: str) -> None:
    said = LIES[name](Random(3), SIGHT)

    assert said
    assert said == LIES[name](Random(3), SIGHT)


@pytest.mark.parametrize("name", sorted(STORIES.keys() - {"unheard_of", "binary", "no_text"}))
def test_it_tells_stories_in_frames_that_can_be_read(name: str) -> None:
    for frame in STORIES[name](Random(1), SIGHT):
        assert json.loads(frame).keys() == {"type", "data"}


@pytest.mark.parametrize("name", DISTORTIONS)
def test_it_changes_what_it_distorts(name: str) -> None:
    for seed in range(50):
        assert DISTORTIONS[name](Random(seed), VALUE) != json.dumps(VALUE)


@pytest.mark.parametrize("name", DISTORTIONS)
@pytest.mark.parametrize("value", [None, 7, "text", [], {}])
def test_it_distorts_anything(name: str, value: Any) -> None:
    assert isinstance(DISTORTIONS[name](Random(1), value), str)


def test_it_nests_too_deep_for_a_parser() -> None:
    text = DISTORTIONS["deep"](Random(1), VALUE)

    assert max(text.count("["), text.count("{")) > DEPTH
    with pytest.raises(RecursionError):
        json.loads(text)


def test_it_says_a_megabyte_where_a_word_belongs() -> None:
    assert len(DISTORTIONS["huge_string"](Random(1), VALUE)) > HUGE


def test_it_says_numbers_that_are_none() -> None:
    texts = "".join(DISTORTIONS["odd_number"](Random(seed), VALUE) for seed in range(60))

    assert all(number in texts for number in ("NaN", "Infinity", "1e999", "9" * 4000))


def test_it_says_bytes_that_are_no_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        DISTORTIONS["not_utf8"](Random(1), VALUE).encode("utf-8", "surrogateescape").decode()


def test_it_poisons_every_string_but_ids() -> None:
    item = [7, RUNNING, {"3": {"class_type": "KSampler"}}, {"run_id": "r1", "n": 5}, ["9"]]

    assert poisoned(item) == [
        7,
        RUNNING,
        {"3": {"class_type": poison("KSampler")}},
        {"run_id": poison("r1"), "n": 5},
        ["9"],
    ]


def test_it_has_every_kind_of_hostile_string() -> None:
    told = "".join(STRINGS)

    for text in ("<script>", '"', "'", "\u202e", "\x00", "\ud83d", "\x1b", "{{"):
        assert text in told
    assert {poison(str(n))[: -len(str(n))] for n in range(500)} == set(STRINGS)


def test_it_shows_hostile_words_wherever_a_viewer_looks() -> None:
    error = json.loads(str(STORIES["poisoned_end"](Random(1), SIGHT)[0]))["data"]

    assert error["prompt_id"] == RUNNING
    assert error["node_id"] == poison("node")
    assert error["node_type"] == poison("KSampler")
    assert error["exception_type"] == poison("ValueError")
    assert error["exception_message"] == poison("no such thing")
    assert error["traceback"][0].startswith(tuple(text for text in STRINGS if text))


def test_it_breaks_a_part_of_its_answers() -> None:
    liar = Liar(1, Clock())
    whole = json.dumps(poisoned(VALUE)).encode()

    bodies = [liar.answer(VALUE).body for _ in range(200)]

    share = sum(body != whole for body in bodies) / len(bodies)
    assert share == pytest.approx(1 / BROKEN_ONE_IN, abs=0.1)


def test_it_dates_its_answers_by_a_clock_that_is_wrong() -> None:
    clock = Clock()
    clock.offset = min(OFFSETS_S)

    date = parsedate_to_datetime(Liar(1, clock).answer(VALUE).headers["Date"])

    assert date.year < 1960


@in_loop
async def test_it_poisons_what_it_is_asked_over_http() -> None:
    async with Simulator("liar", seed=2) as simulator, Client(simulator.url) as client:
        device = simulator.server.memory.device()["name"]
        wanted = [json.dumps(poison(name)) for name in (device, VERSION, "main.py")]
        text = ""
        while not all(name in text for name in wanted):
            async with client.session.get(f"{simulator.url}/system_stats") as answer:
                text = await answer.text(errors="replace")


@in_loop
async def test_it_is_honest_about_what_it_is_told_to_do() -> None:
    async with Simulator("liar") as simulator, Client(simulator.url) as client:
        for _ in range(10):
            status, answer = await client.ask("POST", "/prompt", {"prompt": slow_graph()})

            assert (status, answer["node_errors"]) == (200, {})


@in_loop
async def test_it_runs_real_prompts_in_between() -> None:
    async with Simulator("liar", speed=200) as simulator:
        prompt_id = simulator.submit(slow_graph())
        history = simulator.server.prompt_queue.history
        frames: list[bytes] = []
        async with aiohttp.ClientSession() as session:
            while len(frames) < 200 or prompt_id not in history:
                frames += await heard(session, simulator.url)

    assert any(b"\x00" in frame for frame in frames)


async def heard(session: aiohttp.ClientSession, url: str, most: int = 100) -> list[bytes]:
    """Return the next frames of a new socket, fewer if one of them ends it."""
    frames: list[bytes] = []
    async with session.ws_connect(f"{url}/ws", max_msg_size=0) as ws:
        async for message in ws:
            data = message.data
            frames.append(data.encode() if isinstance(data, str) else data)
            if len(frames) >= most:
                break
    return frames
