"""Every recorded run as messages, and as what a process renders that saw nothing of it."""

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from telemetry import live
from telemetry.live import feed_line
from telemetry.stores import FEED_LIMIT
from tests.telemetry.test_live import LEASED, replay
from tests.telemetry.traces import TRACES

ROOT = Path(__file__).parent.parent.parent


@cache
def told(name):
    """Return per event of a trace: the snapshot after it, its message, and the feed by then."""
    with ThreadPoolExecutor(1) as pool:  # a browser's loop may be running in this thread
        return pool.submit(_steps, name, lambda place, state, at: None).result()


def told_and_rendered(folder):
    """Return per trace its steps, and after each what a new process renders from the state."""
    states = folder / "states"
    with states.open("wb") as out:
        runs = {name: _steps(name, _pickled(name, out)) for name in TRACES}
    return runs, _rendered_elsewhere(states)


def _steps(name, keep):
    """Return the steps of a trace, and hand the state after each of them to `keep`."""
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "HEARD_EVERY_S", 0)
        patch.setattr(live, "HEARD_BESIDE_S", 0)
        for place, (snapshot, message, (state, at, lines)) in enumerate(replay(name)):
            feed = list(dict.fromkeys(feed_line(line, LEASED).id for line in lines))
            steps.append((snapshot, message, feed[::-1][:FEED_LIMIT]))
            keep(place, state, at)
    return steps


def _pickled(name, out):
    return lambda place, state, at: pickle.dump(((name, place), state, at), out)


def _rendered_elsewhere(states):
    """Return the parts and attributes after each step, as a new process renders them."""
    command = [sys.executable, "-m", "tests.telemetry.fresh_render", str(states)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    fresh = {}
    for row in done.stdout.splitlines():
        key, parts, attributes = json.loads(row)
        fresh[tuple(key)] = parts, {("server-3", name): v for name, v in attributes.items()}
    return fresh
