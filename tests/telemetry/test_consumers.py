"""What the live socket says when it closes."""

import pytest
from autobahn.websocket.protocol import WebSocketProtocol

from telemetry import listener


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
