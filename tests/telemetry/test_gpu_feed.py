"""Whose servers the driver of this host is asked for."""

import asyncio

import pytest

from telemetry import gpu_feed
from telemetry.gpu_feed import told_of
from telemetry.leases import Leased
from tests.telemetry.gpus import card, readings

HERE = Leased(1, 1, "kino-01", "http://127.0.0.1:8188", "", False, 1)


class Sampler:
    """A sampler that tells the same reading twice, then another."""

    def __init__(self):
        self.told = [None, readings(1, card()), readings(1, card()), readings(2, card())]
        self.asked = 0

    def latest(self):
        self.asked += 1
        return self.told[min(self.asked, len(self.told)) - 1]


async def first(number, leased, sampler):
    told = []
    async for event in told_of(leased, sampler):
        told.append(event.readings)
        if len(told) == number:
            break
    return told


def test_it_tells_each_reading_once(monkeypatch):
    monkeypatch.setattr(gpu_feed, "EVERY_S", 0.001)

    told = asyncio.run(first(2, HERE, Sampler()))

    assert told == [readings(1, card()), readings(2, card())]


@pytest.mark.parametrize(
    "leased",
    [
        Leased(1, 1, "kino-01", "http://192.0.2.1:8188", "", False, 1),
        Leased(1, 1, "demo-1", "http://127.0.0.1:8188", "", True, 1),
    ],
    ids=["on another host", "simulated"],
)
def test_it_asks_nothing_for_a_server_that_is_not_on_a_card_of_this_host(leased):
    sampler = Sampler()

    assert asyncio.run(first(1, leased, sampler)) == []
    assert sampler.asked == 0


def test_it_tells_nothing_where_it_is_turned_off():
    assert asyncio.run(first(1, HERE, None)) == []
