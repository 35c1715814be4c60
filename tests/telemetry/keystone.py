"""Every recorded run as messages, and as what a process renders that saw nothing of it."""

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from telemetry import live
from telemetry.live import feed_line
from telemetry.stores import FEED_LIMIT
from tests.telemetry.test_live import LEASED, replay
from tests.telemetry.traces import TRACES

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return per trace its steps, and after each what a new process renders from the state."""
    states = tmp_path_factory.mktemp("keystone") / "states"
    with ThreadPoolExecutor(1) as pool:  # a browser's loop may be running in this thread
        return pool.submit(_runs, states).result()


def _runs(states):
    runs = {name: [] for name in TRACES}
    with pytest.MonkeyPatch.context() as patch, states.open("wb") as out:
        patch.setattr(live, "HEARD_EVERY_S", 0)
        patch.setattr(live, "HEARD_BESIDE_S", 0)
        for name in TRACES:
            for place, (snapshot, message, (state, at, lines)) in enumerate(replay(name)):
                told = list(dict.fromkeys(feed_line(line, LEASED).id for line in lines))
                runs[name].append((snapshot, message, told[::-1][:FEED_LIMIT]))
                pickle.dump(((name, place), state, at), out)
    fresh = {}
    command = [sys.executable, "-m", "tests.telemetry.fresh_render", str(states)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for row in done.stdout.splitlines():
        key, parts, attributes = json.loads(row)
        fresh[tuple(key)] = parts, {("server-3", name): v for name, v in attributes.items()}
    return runs, fresh
