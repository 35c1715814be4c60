"""Start the site and simulated servers as processes of their own, and look at what they leave."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAME = "scenewatch.sqlite3"
PATIENCE_S = 30


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def until(condition, what):
    """Return condition()'s first true value; fail with a word after PATIENCE_S."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, sqlite3.OperationalError, urllib.error.URLError):
            if value := condition():
                return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {PATIENCE_S} s")


class Process:
    """A manage.py command, its output in a file."""

    script = ROOT / "manage.py"

    def __init__(self, folder, *args, **env):
        self.log = folder / f"{type(self).__name__}-{time.monotonic_ns()}.log"
        # Only what the command needs: the suite's own settings must not reach it.
        own = {k: v for k, v in os.environ.items() if not k.startswith(("SCENEWATCH_", "DJANGO_"))}
        with self.log.open("w") as out:
            self.popen = subprocess.Popen(
                [sys.executable, str(self.script), *args],
                cwd=folder,
                env={**own, "PYTHONUNBUFFERED": "1", **env},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self):
        return self.log.read_text("utf-8")

    def said(self, text):
        until(lambda: text in self.output or self.popen.poll() is not None, repr(text))
        assert text in self.output, self.output

    def signal(self, number):
        self.popen.send_signal(number)

    def ends(self, within=PATIENCE_S):
        return self.popen.wait(within)


@functools.cache
def migrated():
    """Return an empty database with all tables: to make one takes longer than to start a site."""
    folder = Path(tempfile.mkdtemp(prefix="scenewatch-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = Process(folder, "migrate", "-v0", SCENEWATCH_DATA_DIR=str(folder))
    assert command.ends(within=120) == 0, command.output
    return folder / NAME


class Site(Process):
    """`manage.py serve` on a data folder, with a database that is there already; or `bare`."""

    def __init__(self, folder, *args, port=None, bare=False, **env):
        self.data = folder / "data"
        if not bare and not (self.data / NAME).exists():
            self.data.mkdir(exist_ok=True)
            shutil.copyfile(migrated(), self.data / NAME)
        self.port = port or free_port()
        env = {"SCENEWATCH_DATA_DIR": str(self.data), "SCENEWATCH_RECONNECT_DELAYS_S": "0.2", **env}
        super().__init__(folder, "serve", "--port", str(self.port), *args, **env)

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(self.data / NAME)) as db:
            return db.execute(sql).fetchall()

    def status(self, path="/login/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
            return response.status

    def up(self):
        self.said("Scenewatch is up")
        return self


@contextlib.contextmanager
def starting(folder):
    """Return a function that starts a process in the folder, to be killed at the end."""
    processes = []

    def start(kind, *args, **env):
        processes.append(kind(folder, *args, **env))
        return processes[-1]

    try:
        yield start
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.signal(signal.SIGCONT)
            process.popen.kill()
            process.popen.wait()


@pytest.fixture
def started(tmp_path):
    """Return a function that starts a process which the test's end will kill."""
    with starting(tmp_path) as start:
        yield start


class ComfyUI(Process):
    """A simulated ComfyUI on a port, without load of its own."""

    script = ROOT / "tests" / "config" / "comfyui.py"

    def __init__(self, folder, port):
        super().__init__(folder, str(port), PYTHONPATH=str(ROOT))


def simulator(started, port):
    """Start a simulated ComfyUI; return its process once it answers."""
    process = started(ComfyUI, port)
    until(lambda: get(port, "/prompt"), "the simulated server")
    return process


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
        return json.loads(response.read())


def post(port, path, value):
    body = json.dumps(value).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.loads(response.read() or b"null")


def submit(port, steps=10, delay=0.05):
    work = {"class_type": "TqdmWork", "inputs": {"steps": steps, "delay": delay, "seed": steps}}
    graph = {"1": work, "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    return post(port, "/prompt", {"prompt": graph, "client_id": "artist-1"})["prompt_id"]


def ends(site):
    return dict(site.rows("select prompt_id, outcome from history_attempt where status = 'ended'"))
