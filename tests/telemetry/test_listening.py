"""What a server says, taken in in its order, though most redraws of a bar are passed over."""

import asyncio
import json
from datetime import timedelta
from typing import ClassVar

from telemetry.clock import now
from telemetry.contact import SocketOpened
from telemetry.hearing import Channel, Lag
from telemetry.leases import Leased
from telemetry.machine import ServerState
from telemetry.protocol import read_queue
from telemetry.referee import QueueTold
from telemetry.topics import Topics
from telemetry.watch import Watch
from tests.telemetry.simulated import Kept
from tests.telemetry.test_machine import prompt


def logs(text, at=None):
    entries = [{"t": (at or now()).replace(tzinfo=None).isoformat(), "m": text}]
    return json.dumps({"type": "logs", "data": {"entries": entries, "size": None}})


def bar(value, at=None):
    return logs(f"\r {5 * value}%|█         | {value}/20 [00:00<00:02,  8.00it/s]", at)


class Noting(ServerState):
    """A state that notes which events it was given."""

    applied: ClassVar[list[object]] = []

    def apply(self, event, at):
        self.applied.append(event)
        return super().apply(event, at)


def listened(work):
    """Run work(watch, events applied) with a watch of a server that runs one prompt."""

    async def main():
        leased = Leased(1, 1, "sim", "http://127.0.0.1:1", "", True, 1)
        watch = Watch(leased, Kept().doors(), Topics())
        watch.state = watch.live.state = Noting()
        watch.take(SocketOpened(True))
        queue = json.dumps({"queue_running": [prompt("a")], "queue_pending": []})
        watch.take(QueueTold(read_queue(queue.encode()), now()))
        Noting.applied.clear()
        return work(watch, Noting.applied)

    return asyncio.run(main())


def test_it_reads_only_the_last_of_several_redraws():
    def work(watch, applied):
        for value in range(1, 11):
            watch.listening.hear(bar(value))
        watch.live.change(now())
        return applied, watch.state.known("a").step

    applied, step = listened(work)
    assert len(applied) == 1
    assert step.value == 10


def test_it_takes_a_redraw_in_before_whatever_comes_after_it():
    def work(watch, applied):
        watch.listening.hear(bar(3))
        watch.listening.hear(logs("Prompt executed in 3.07 seconds\n"))
        watch.listening.hear(bar(1))
        watch.take(SocketOpened(True))
        return [str(event) for event in applied]

    applied = listened(work)
    assert ["3/20" in applied[0], "executed" in applied[1], "1/20" in applied[2]] == [True] * 3
    assert "SocketOpened" in applied[3]


def test_it_counts_a_redraw_as_a_word_of_the_server():
    def work(watch, applied):
        before = watch.state.contact.heard_at
        watch.listening.hear(bar(3))
        return before, watch.state.contact.heard_at, watch.listening.frame_at

    before, heard_at, frame_at = listened(work)
    assert before != heard_at == frame_at


def test_it_shows_a_redraw_without_any_other_word():
    def work(watch, applied):
        watch.live.change(now())
        watch.listening.hear(bar(3))
        return watch.live.change(now())

    assert "step 3/20" in str(listened(work))


def test_it_samples_how_late_lines_are_also_those_that_redraw_a_bar():
    def work(watch, applied):
        late, long_ago = now() - timedelta(seconds=3), now() - timedelta(seconds=30)
        watch.listening.hear(bar(1))
        watch.live.change(now())
        lag = watch.state.channels[Channel.LOG].lag
        first = lag.shown_s
        lag._sampled_at = lag._shown_at = long_ago
        watch.listening.hear(bar(2, late))
        watch.live.change(now())
        return first, lag.shown_s

    first, second = listened(work)
    assert first == 0.0
    assert 1.4 < second < 3.0, "the middle of none and of three seconds"


def test_it_reads_no_clock_for_a_redraw_that_is_passed_over(monkeypatch):
    def work(watch, applied):
        asked = []
        monkeypatch.setattr(Lag, "is_due", lambda lag, at: asked.append(at))
        for value in range(1, 11):
            watch.listening.hear(bar(value))
        return len(asked)

    assert listened(work) == 0
