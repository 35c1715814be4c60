"""A server that is disconnected or silenced by hand, as its collector takes it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from telemetry.cards import card_of
from telemetry.clock import now
from telemetry.condition import condition
from telemetry.contact import Barred
from telemetry.leases import Leased
from telemetry.live import SHOWN, render_part, values_of
from telemetry.machine import ServerState
from tests.telemetry.listeners import Listener
from tests.telemetry.sample_cards import NOW as AT
from tests.telemetry.simulated import watched

LEASED = Leased(1, 1, "kino-01", "http://kino-01:8188", "", False, 1)


def chip(state, leased, at):
    card = card_of(state, leased, at)
    return render_part("chip", values_of(card, "chip"))


def troubled():
    state = ServerState()
    state.apply(Barred("its bearer token cannot be read"), AT)
    return state


def test_it_asks_nothing_of_a_server_that_is_disconnected():
    async def work():
        async with Listener() as listener, watched(listener, paused_at=now()) as (watch, _):
            await asyncio.sleep(0.3)
            return listener.connections, condition(watch.state, now())

    assert asyncio.run(work()) == (0, "disconnected")


def test_its_card_stays_and_says_so_without_alarm():
    state = ServerState()
    state.apply(Barred("nothing is asked of it", by_hand=True), AT)

    card = card_of(state, LEASED, AT)

    assert (card.badge.label, card.last_known) == ("Disconnected", True)
    assert card.notice.tone == "mute"
    assert " hidden>" in chip(state, LEASED, AT)


def test_being_disconnected_takes_another_connection_and_being_silenced_none():
    assert replace(LEASED, paused_at=AT).address != LEASED.address
    assert replace(LEASED, silenced_until=AT).address == LEASED.address


def test_a_silenced_server_does_not_ask_for_attention_until_the_hour_is_over():
    silenced = replace(LEASED, silenced_until=AT + timedelta(hours=1))

    assert " hidden>" not in chip(troubled(), LEASED, AT)
    assert " hidden>" in chip(troubled(), silenced, AT)
    assert " hidden>" not in chip(troubled(), silenced, AT + timedelta(hours=1))


def test_its_card_says_that_it_is_silenced():
    card = card_of(troubled(), replace(LEASED, silenced_until=AT + timedelta(hours=1)), AT)

    assert "silenced" in SHOWN["head"]
    assert ">Silenced<" in render_part("head", values_of(card, "head"))
