"""What the live socket says when it closes, and what its words do not wait for."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from autobahn.websocket.protocol import WebSocketProtocol

from telemetry import listener
from telemetry.consumers import OWN_SEND, LiveConsumer, with_own_send


class Wire(WebSocketProtocol):
    """The protocol under Daphne, up to the frame."""

    def sendCloseFrame(self, code=None, **kwargs):
        self.sent = code


@pytest.mark.parametrize(
    "name", ["BAD_REQUEST", "SIGNED_OUT", "NO_ACCESS", "NOT_FOUND", "TOO_MANY", "TRY_AGAIN"]
)
def test_it_closes_with_codes_that_daphne_can_send(name):
    wire = Wire()
    wire.state = WebSocketProtocol.STATE_OPEN

    wire.sendClose(code=getattr(listener, name))

    assert wire.sent == getattr(listener, name)


def test_it_hears_a_word_while_a_query_takes_long():
    async def work():
        answered = threading.Event()
        # In the thread that all queries share; without its connection, which others may have left.
        query = asyncio.create_task(sync_to_async(answered.wait)())
        await asyncio.sleep(0)  # it has its thread now
        try:
            async with asyncio.timeout(5):
                await LiveConsumer().dispatch({"type": "websocket.receive", "text": "{}"})
        finally:
            answered.set()
            await query

    asyncio.run(work())


def test_it_finds_the_servers_own_send_past_a_middleware():
    async def inner(scope, receive, send):
        await scope[OWN_SEND]("word")

    def middleware(application):
        return lambda scope, receive, send: application(scope, receive, None)

    said = []

    async def send(message):
        said.append(message)

    asyncio.run(with_own_send(middleware(inner))({}, None, send))
    assert said == ["word"]
