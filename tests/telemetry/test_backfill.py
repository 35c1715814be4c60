"""Paging the history back, against a history that behaves as ComfyUI's does."""

import asyncio
import json

import pytest

from telemetry.backfill import page_back
from telemetry.protocol import read_history


class History:
    """ComfyUI's slicing: max_items alone is the newest, offset counts from the oldest."""

    def __init__(self, size, known=()):
        self.ids = [f"p{n}" for n in range(size)]
        self.known = set(known)
        self.seen = set()
        self.pages = 0

    async def ask(self, query):
        start = query.get("offset", max(0, len(self.ids) - query["max_items"]))
        ids = self.ids[start : start + query["max_items"]]
        self.pages += query["max_items"] > 1
        self.seen |= set(ids)
        body = {i: {"prompt": [0, i, {}, {}, []], "status": None} for i in ids}
        return read_history(json.dumps(body).encode()), bool(self.known & set(ids))


def paged(history):
    return asyncio.run(page_back(history.ask, lambda: None, pause_s=0))


@pytest.mark.parametrize("size", [0, 1, 49, 50, 51, 99, 100, 101, 650, 5000])
def test_it_reads_all_of_a_history_that_it_does_not_know(size):
    history = History(size)

    paged(history)

    assert history.seen == set(history.ids)


def test_it_stops_at_the_first_known_prompt():
    history = History(5000, known=["p4870"])

    paged(history)

    assert {f"p{n}" for n in range(4870, 5000)} <= history.seen
    assert history.pages <= 4


def test_it_asks_once_where_the_newest_page_reaches_what_is_known():
    history = History(5000, known=["p4990"])

    paged(history)

    assert history.pages == 1


def test_it_reads_at_most_ten_thousand():
    history = History(10_001)

    assert paged(history) <= 10_050


def test_it_misses_none_when_prompts_end_and_the_oldest_are_evicted_meanwhile():
    history = History(400)
    slice_of, before = history.ask, list(history.ids)

    async def evicting(query):
        answer = await slice_of(query)
        history.ids.append(f"new{len(history.seen)}")
        history.ids.pop(0)
        return answer

    history.ask = evicting
    paged(history)

    assert set(before[60:]) <= history.seen
