"""An input is a batch: messages of any channel in a row, taken in by one fresh server's state.

So what a message does to a state that another one has left is tried too, and one file of hex is
enough to see it again. A message in bytes: its kind (one letter), its length (3 bytes), itself.
"""

from typing import NamedTuple

# Text frame, binary frame, log text, Date header; answers; time; the socket closes and opens.
KINDS = b"TBLDQHhoSJPC"
LONGEST = 1 << 20


class Message(NamedTuple):
    """What came, and on which channel."""

    kind: int
    payload: bytes


def packed(messages: list[Message]) -> bytes:
    """Return a batch as bytes."""
    parts = (
        bytes([kind]) + len(payload[:LONGEST]).to_bytes(3, "big") + payload[:LONGEST]
        for kind, payload in messages
    )
    return b"".join(parts)


def unpacked(data: bytes) -> list[Message]:
    """Return the messages in data; any bytes are a batch."""
    messages, at = [], 0
    while at + 4 <= len(data):
        kind = data[at] if data[at] in KINDS else KINDS[data[at] % len(KINDS)]
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        messages.append(Message(kind, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return messages
