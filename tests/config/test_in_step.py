"""config/in_step.py, by a real Daphne: a stream waits for who reads it, and comes whole."""

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.config.slow_reader_site import PARTS, SIZE
from tests.processes import ROOT, free_port, until


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of a Daphne that serves tests/config/slow_reader_site.py."""
    port = free_port()
    served = ("-p", str(port), "tests.config.slow_reader_site:application")
    daphne = subprocess.Popen([sys.executable, "-m", "daphne", *served], cwd=ROOT)
    try:
        until(lambda: made(port) == 0, "Daphne")
        yield port
    finally:
        daphne.kill()
        daphne.wait()


def made(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("GET", "/made")
        with connection.getresponse() as response:
            return int(response.read())


def begun(port: int) -> socket.socket:
    """Return a connection on which the stream is asked for, and nothing read."""
    reader = socket.create_connection(("127.0.0.1", port), timeout=10)
    reader.sendall(b"GET /long HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n")
    return reader


def test_it_makes_no_more_than_fits_on_the_way_to_who_does_not_read(port: int) -> None:
    with begun(port):
        until(lambda: made(port) > 1, "the stream's beginning")

        # Each question is answered between two parts, were there no end to them.
        counts = [made(port) for _ in range(100)]

    assert counts[-1] == counts[-2] < PARTS / 2


def test_it_goes_on_where_the_reader_does_and_nothing_is_lost(port: int) -> None:
    with begun(port) as reader, http.client.HTTPResponse(reader) as response:
        until(lambda: made(port) > 1, "the stream's beginning")
        response.begin()

        assert len(response.read()) == PARTS * SIZE
    assert made(port) == PARTS


def test_it_ends_for_who_has_gone_and_others_are_answered(port: int) -> None:
    begun(port).close()

    until(lambda: made(port) == PARTS, "the end of a stream that nobody reads")
