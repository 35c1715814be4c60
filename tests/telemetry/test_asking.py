"""When a server is asked, and when what it says by itself is enough."""

import json
from datetime import timedelta

import pytest

from telemetry.clock import now
from telemetry.contact import Answered, SocketOpened, Waiting
from telemetry.protocol import read_queue
from telemetry.referee import QueueTold
from tests.telemetry.test_listening import bar, listened, logs
from tests.telemetry.test_machine import prompt


def settled(watch):
    """Bring a watch to where nothing is open: all is answered, and the server draws its bar."""
    watch.asking._ends_due = watch.asking._resync_due = False
    watch.take(Answered(0.0))
    watch.listening.hear(bar(3))


def test_a_server_that_talks_need_not_be_asked():
    def work(watch, applied):
        settled(watch)
        return watch.asking.hears_enough()

    assert listened(work)


def nobody_listens(watch):
    watch.take(SocketOpened(log_stream=False))


def an_answer_is_overdue(watch):
    watch.take(Waiting(now()))


def a_prompt_may_have_ended(watch):
    watch.asking.hint(ends=True)


def a_prompt_vanished(watch):
    queue = json.dumps({"queue_running": [prompt("b", 2)], "queue_pending": []})
    watch.take(QueueTold(read_queue(queue.encode()), now()))


def a_line_has_no_owner(watch):
    watch.listening.hear(logs("Prompt executed in 3.07 seconds\n"))
    watch.listening.hear(logs("loaded completely; 95367431640625005117571072.00 MB usable\n"))
    watch.listening.hear(bar(1))
    watch.listening.settle()


def it_fell_silent(watch):
    watch.listening.frame_at -= timedelta(seconds=3)


def it_was_not_asked_for_long(watch):
    watch.state.contact.answered_at -= timedelta(seconds=7)


@pytest.mark.parametrize(
    "happens",
    [
        nobody_listens,
        an_answer_is_overdue,
        a_prompt_may_have_ended,
        a_prompt_vanished,
        a_line_has_no_owner,
        it_fell_silent,
        it_was_not_asked_for_long,
    ],
)
def test_it_is_asked_once_anything_is_open(happens):
    def work(watch, applied):
        settled(watch)
        happens(watch)
        return watch.asking.hears_enough()

    assert not listened(work)
