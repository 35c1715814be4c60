"""The keystone in a browser: live.js makes of a run's messages what a snapshot of its end shows."""

import json
import random
import re
from datetime import datetime, timedelta

import pytest

from tests.telemetry.keystone import told
from tests.telemetry.sample_cards import wall

pytest_plugins = ("tests.browser",)

IN_BROWSER = [
    "01-success",
    "04-node-exception",
    "07-queue-two-submitters",
    "10-sigkill-restart",
    "30-log-progress-of-another-client",
]


@pytest.fixture(autouse=True)
def no_bells(page):
    """Have the site know of no bells."""
    page.route("**/teams/northlight/bells/", lambda route: route.fulfill(json={"bells": []}))


LOOK = """['#servers', '#attention', '#feed'].map(place =>
    [...document.querySelectorAll(place + ' > *')].map(e => e.outerHTML.replace(/\\s+/g, ' ')))"""


def open_wall(page, stage, name, at):
    """Open an empty wall that was served at a time; return the server's end of its socket."""
    served = re.sub('data-at="[^"]*"', f'data-at="{at.isoformat()}"', wall([], chips=[], feed=[]))
    stage.pages[name] = served
    page.goto(f"{stage.url}/{name}")
    return stage.connection()


@pytest.mark.parametrize("name", IN_BROWSER)
def test_a_browser_makes_the_same_of_it(page, stage, until, name):
    """All later messages, mixed, against a page that was only ever sent the last snapshot."""
    steps = told(name)
    messages = [json.loads(message) for _, message, _ in steps[1:] if message]
    first, last = json.loads(steps[0][0]), json.loads(steps[-1][0])
    at = datetime.fromisoformat(last["at"].replace("Z", "+00:00"))
    page.clock.install(time=at - timedelta(minutes=5))
    page.clock.pause_at(at)
    open_wall(page, stage, "fresh", at).send(last)
    until("globalThis.live?.place('team-1') !== undefined")
    expected = page.evaluate(LOOK)

    server, dice = open_wall(page, stage, "told", at), random.Random(name)
    heard = mixed([moved(message, last["at"]) for message in messages], dice)
    server.send(moved(first, last["at"]), *heard)
    assert server.heard()["type"] == "subscribe"  # no mixture of ours is without a gap
    server.send(last)
    until(f"live.messages === {len(heard) + 2}")
    page.clock.run_for(1_000)
    until(f"live.place('team-1').seq === {last['seq']}")

    assert page.evaluate(LOOK) == expected


def moved(message, at):
    """Return a message as if it were sent at another time; what it says remains."""
    later = datetime.fromisoformat(at) - datetime.fromisoformat(message["at"])
    later_ms = round(later / timedelta(milliseconds=1))
    heard = [[server, ago_ms + later_ms] for server, ago_ms in message.get("heard", ())]
    return {**message, "at": at, "heard": heard}


def mixed(messages, dice):
    """Return messages as a bad network hands them on: lost, doubled, out of order."""
    order = [m for m in messages for _ in range(dice.choice((0, 1, 1, 1, 2)))]
    for place in range(len(order) - 1):
        if dice.random() < 0.2:
            order[place], order[place + 1] = order[place + 1], order[place]
    return [*order, messages[-1]]


@pytest.mark.parametrize("name", IN_BROWSER)
def test_a_browser_that_is_told_each_change_shows_the_same(page, stage, until, name):
    steps = told(name)
    last = json.loads(steps[-1][0])
    at = datetime.fromisoformat(last["at"].replace("Z", "+00:00"))
    page.clock.install(time=at - timedelta(minutes=5))
    page.clock.pause_at(at)
    open_wall(page, stage, "fresh", at).send(last)
    until("globalThis.live?.place('team-1') !== undefined")
    expected = page.evaluate(LOOK)

    server = open_wall(page, stage, "told", at)
    texts = [steps[0][0], *(message for _, message, _ in steps[1:] if message)]
    server.send(*(moved(json.loads(text), last["at"]) for text in texts))
    until(f"live.messages === {len(texts)}")
    page.clock.run_for(1_000)

    until(f"live.place('team-1')?.seq === {last['seq']}")
    assert page.evaluate(LOOK) == expected
    assert page.evaluate("live.gaps") == 0
