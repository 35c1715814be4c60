"""config/alive.py: whether the web process answers, for a container's health check."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.conf import settings

from config import alive
from tests.processes import free_port


class Site(BaseHTTPRequestHandler):
    """A web process that knows its name, and answers as HTTPS only."""

    def do_GET(self) -> None:
        """Answer 200 to who asks as the proxy does, else as Django: 400, or a redirect."""
        named = self.headers["Host"] == "scenewatch.example.org"
        secure = self.headers["X-Forwarded-Proto"] == "https"
        self.send_response(400 if not named else 200 if secure else 301)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of a site that runs meanwhile."""
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "hosts", ["scenewatch.example.org,other.example.org", ".scenewatch.example.org"]
)
def test_it_asks_as_the_proxy_does(port: int, hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_ALLOWED_HOSTS", hosts)

    assert alive.answers(port)


def test_it_takes_a_refusal_for_no_answer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_ALLOWED_HOSTS", "*")

    assert not alive.answers(port)


def test_it_says_when_nobody_listens() -> None:
    assert not alive.answers(free_port())


def test_it_loads_neither_the_settings_nor_an_app() -> None:
    script = "import sys, config.alive; print('config.settings' in sys.modules, len(sys.modules))"

    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert said[0] == "False"
    assert int(said[1]) < 300
