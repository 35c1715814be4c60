"""config/broken_off.py, by a real Daphne: who reads an answer that broke off does not wait."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.processes import ROOT, free_port, until


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of a Daphne that serves tests/config/breaks_off.py."""
    port = free_port()
    served = ("-p", str(port), "tests.config.breaks_off:application")
    daphne = subprocess.Popen([sys.executable, "-m", "daphne", *served], cwd=ROOT)
    try:
        until(lambda: asked(port, "/"), "Daphne")
        yield port
    finally:
        daphne.kill()
        daphne.wait()


def asked(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("GET", path)
        with connection.getresponse() as response:
            return response.status, response.read()


def test_it_closes_the_connection_of_an_answer_that_broke_off(port: int) -> None:
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead) as broken:
            asked(port, "/broken")
        assert broken.value.partial == b"one "


def test_it_still_answers_what_fails_before_its_answer(port: int) -> None:
    with pytest.raises(http.client.IncompleteRead):
        asked(port, "/broken")

    assert asked(port, "/bad")[0] == 500
    assert asked(port, "/") == (200, b"one two")
