"""A client that reads nothing more, over real sockets to a real site, beside one that goes on."""

import json
import time

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from telemetry.following import BEHIND_S
from tests.config.attack import PASSWORD, Visitor
from tests.processes import Site, free_port, simulator, submit

TRY_AGAIN = 4013
# The rounds look once a second; on a machine that is busy otherwise.
LATE_S = 8.0


@pytest.fixture
def comfyui(started):
    """Return the port of a simulated server that runs what it is sent."""
    port = free_port()
    simulator(started, port)
    return port


@pytest.fixture
def site(started, comfyui):
    """Return a site that watches the simulated server."""
    url = f"http://127.0.0.1:{comfyui}"
    return started(Site, "--comfyui", url, SCENEWATCH_ADMIN_PASSWORD=PASSWORD).up()


def listening(site, visitor):
    """Return a socket that follows the wall; it takes no more from the network than is read."""
    return connect(
        f"ws://127.0.0.1:{site.port}/live/socket/?topic=team-1",
        additional_headers={"Cookie": visitor.cookies},
        ping_interval=None,
        max_queue=1,
        proxy=None,
    )


def read(socket, seen):
    """Take the next message and acknowledge it as a browser does; note the seq of a change."""
    told = json.loads(socket.recv(timeout=5))
    if told["type"] in ("snapshot", "change"):
        seen.append(told["seq"])
        socket.send(json.dumps({"type": "ack", "topic": told["topic"], "seq": told["seq"]}))


def taken(site):
    """Return how many connections the site has open on its port."""
    found = psutil.Process(site.popen.pid).net_connections("tcp")
    return sum(c.laddr.port == site.port and c.status == psutil.CONN_ESTABLISHED for c in found)


def code_at_the_end(socket):
    """Take everything that is still to be read; return the code that the socket was closed with."""
    try:
        while True:
            socket.recv(timeout=5)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def test_who_reads_nothing_is_closed_and_who_reads_misses_nothing(site, comfyui):
    visitor, seen = Visitor(site), []
    with listening(site, visitor) as stuck, listening(site, visitor) as reader:
        submit(comfyui, steps=400, delay=0.1)
        while len(seen) < 5:
            read(reader, seen)
        both, began = taken(site), time.monotonic()
        while taken(site) == both and time.monotonic() - began < BEHIND_S + LATE_S:
            read(reader, seen)
        assert taken(site) == both - 1, "only who reads nothing is closed, and in time"

        code = code_at_the_end(stuck)
        before = len(seen)
        while len(seen) < before + 5:
            read(reader, seen)

    assert code == TRY_AGAIN
    assert seen == list(range(seen[0], seen[0] + len(seen)))
