"""That the benchmark `faults` sees what it is there to see: the comparison and the two audits."""

from datetime import UTC, datetime

import pytest

from benchmarks._faults.monitor import Reader
from benchmarks._faults.truth import Prompt, Row, Window, compare, take_message

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def prompt(**more):
    ended = {"started_at": NOON, "ended_at": NOON + 2, "outcome": "success"}
    return Prompt(**{"server": 1, "prompt_id": "p", "phase": 0, "sent_at": NOON, **ended, **more})


def row(**more):
    plain = {"server": 1, "prompt_id": "p", "scene": 7, "status": "ended", "outcome": "success"}
    return Row(**{**plain, "error_type": None, "duration_s": 2.0, **more})


def window(began, ended):
    return Window(1, datetime.fromtimestamp(NOON + began, UTC), _date(ended))


def _date(after):
    return None if after is None else datetime.fromtimestamp(NOON + after, UTC)


KILLED = {"started_at": None, "ended_at": None, "outcome": None, "forgotten_at": NOON + 5}
REMOVED = {"started_at": None, "ended_at": None, "outcome": "cancelled", "deleted_at": NOON + 1}


@pytest.mark.parametrize(
    ("truth", "rows", "windows", "seen"),
    [
        (prompt(), [row()], [], {}),
        (prompt(), [], [], {"lost": 1}),
        (prompt(), [row(status="running", outcome=None)], [], {"lost": 1}),
        (prompt(), [row(), row(scene=8)], [], {"doubled": 1}),
        (prompt(), [row(outcome="failed")], [], {"wrong": 1}),
        (prompt(), [row(duration_s=None)], [], {"wrong": 1}),
        (prompt(outcome="failed", error_type="A"), [row(outcome="failed")], [], {"wrong": 1}),
        (prompt(), [row(outcome="lost")], [window(-1, 9)], {"lost": 1}),
        (prompt(**KILLED), [row(outcome="lost")], [window(4, 9)], {"forgotten": 1}),
        (prompt(**KILLED), [row(outcome="lost")], [window(6, 9)], {"lost": 1}),
        (prompt(**KILLED), [row(outcome="cancelled")], [window(4, 9)], {"wrong": 1}),
        (prompt(forgotten_at=NOON + 60), [row(outcome="lost")], [window(50, 70)], {"lost": 1}),
        (prompt(**REMOVED), [], [window(0, 9)], {"traceless": 1}),
        (prompt(**REMOVED), [], [window(3, 9)], {"lost": 1}),
    ],
)
def test_it_tells_what_is_wrong_with_the_record(truth, rows, windows, seen):
    tally = compare([truth], rows, windows)

    found = {
        "doubled": tally.doubled,
        "forgotten": tally.forgotten,
        "traceless": tally.traceless,
        "lost": len(tally.lost),
        "wrong": len(tally.wrong),
    }
    assert {name: count for name, count in found.items() if count} == seen


def test_it_finds_two_prompts_in_one_scene_doubled():
    truths = [prompt(), prompt(prompt_id="q")]

    assert compare(truths, [row(), row(prompt_id="q")], []).doubled == 1


def test_it_tells_by_how_much_durations_differ():
    assert compare([prompt()], [row(duration_s=2.5)], []).apart_s == 0.5


def test_it_takes_the_end_from_what_comfyui_says():
    truth = prompt(started_at=None, ended_at=None, outcome=None)
    take_message(truth, "execution_start", {"timestamp": NOON * 1000})
    error = {"timestamp": (NOON + 3) * 1000, "exception_type": "ValueError"}
    take_message(truth, "execution_error", error)

    assert (truth.outcome, truth.error_type, truth.duration_s) == ("failed", "ValueError", 3.0)


EVAL = '+5.0 [0 127.0.0.1:4711] "EVAL" "script" "7" "live:fences" "live:epoch" "live:team-1:seq"'
SET = '+5.1 [0 lua] "HSET" "live:fences" "3" "12"'
HTML = '+5.2 [0 lua] "HSET" "live:team-1:fragments" "server-3-head" "[\\"<b>x</b>\\", \\"\\"]"'
PUBLISH = '+5.3 [0 127.0.0.1:4711] "PUBLISH" "asgi__group__live.team-1" "\\x82\\xa4type"'


def calls(*lines):
    reader = Reader()
    for line in lines:
        reader.take(line)
    return reader.calls


def test_it_reads_what_a_stamp_wrote():
    (call,) = calls(EVAL, SET, HTML)

    assert (call.port, call.writes, call.fragments, call.fences) == (4711, 2, 1, ((3, 12),))


def test_it_tells_a_refused_stamp_by_what_it_did_not_write():
    refused, published = calls(EVAL, '+5.1 [0 lua] "HGET" "live:fences" "3"', PUBLISH)

    assert (refused.writes, published.kind) == (0, "publish")


def test_it_gives_no_stamp_what_another_client_wrote():
    (call,) = calls(EVAL, '+5.1 [0 127.0.0.1:9] "GET" "x"', SET)

    assert call.writes == 0
