"""That the benchmark `live` finds the frames that a message holds, and counts bytes rightly."""

import json
import time
from datetime import UTC, datetime

import pytest

from benchmarks._live.audience import Heard
from benchmarks._live.farm import newest_step
from benchmarks._live.servers import step_in
from benchmarks.live import after_quiet_ms, beyond_window_ms, bytes_of_hour

MS = 1_000_000
SECOND = 1000 * MS


def change(*steps, seq=1):
    patches = [[f"server-{pk}-step", "text", text] for pk, text in steps]
    return {"v": 1, "type": "change", "topic": "team-1", "seq": seq, "patches": patches}


def test_it_takes_the_newest_of_the_steps_in_a_message():
    steps = {(1, "7/20"): [10], (2, "3/20"): [12]}
    assert newest_step(change((1, "step 7/20"), (2, "step 3/20")), 20, steps) == 12


def test_it_takes_the_last_prompts_step_of_two_with_the_same_name():
    steps = {(1, "7/20"): [10, 500, 900]}
    assert newest_step(change((1, "step 7/20")), 600, steps) == 500


def test_it_reads_numbers_with_separators():
    assert newest_step(change((1, "step 1,007/1,200")), 20, {(1, "1007/1200"): [5]}) == 5


def test_it_measures_no_message_without_a_step():
    message = {"type": "change", "patches": [["server-1", "data-heard", "x"]]}
    assert newest_step(message, 20, {(1, "7/20"): [10]}) is None


def test_it_measures_no_snapshot():
    assert newest_step({"type": "snapshot", "fragments": []}, 20, {}) is None


@pytest.mark.parametrize(("before_ms", "lags"), [(0, [5.0]), (900, [])])
def test_it_takes_a_change_as_the_first_after_quiet_only_where_nothing_came_before(before_ms, lags):
    heard = Heard(
        [json.dumps(change(seq=1)), json.dumps(change((1, "step 7/20"), seq=2))],
        [(0, before_ms * MS), (1, 1005 * MS)],
    )
    assert after_quiet_ms(heard, {(1, "7/20"): [1000 * MS]}) == lags


def written(seq, at_ms, step):
    """Return a change that was written so many ms after now, and that this clock's zero is now."""
    at = datetime.fromtimestamp(time.time() + at_ms / 1000, UTC).isoformat()
    return json.dumps({**change((1, f"step {step}/20"), seq=seq), "at": at})


@pytest.mark.parametrize(
    ("said_ms", "written_ms", "lag_ms"),
    [(1150, 1202, 10), (1201, 1202, 9), (1050, 1100, 160)],
    ids=["waited for its window", "came after it", "did not wait for it"],
)
def test_it_counts_from_the_newest_step_or_from_the_end_of_its_window(said_ms, written_ms, lag_ms):
    zero = time.monotonic_ns()
    texts = [written(1, 1000, 6), written(2, written_ms, 7)]
    came = [(0, zero + 1001 * MS), (1, zero + 1210 * MS)]
    steps = {(1, "6/20"): [zero + 999 * MS], (1, "7/20"): [zero + said_ms * MS]}

    lags = beyond_window_ms(Heard(texts, came), steps)

    assert lags == [pytest.approx(2, abs=0.5), pytest.approx(lag_ms, abs=0.5)]


def test_it_finds_the_steps_of_a_frame():
    bar = "\r 40%|████      | 8/20 [00:01<00:01,  8.29it/s]"
    frame = json.dumps({"type": "logs", "data": {"entries": [{"t": "", "m": bar}]}})
    assert step_in(frame) == ["8/20"]
    assert step_in(b"\x00\x01") == []


def test_it_extrapolates_what_came_since_and_counts_the_first_words_once():
    texts = ['{"type":"snapshot"'.ljust(5000), "x" * 200]
    came = [(0, 2 * SECOND), (1, 2 * SECOND), (1, 7 * SECOND)]
    figures = bytes_of_hour(Heard(texts, came, said=[(3 * SECOND, 50)]), SECOND, 10, 20_000)
    values = {figure.name.split(", ")[-1]: figure.value for figure in figures}
    assert values["an hour (from 0.166667 minutes)"] == pytest.approx((5000 + 450 * 360) / 1000)
    assert values["median message"] == 200
    assert values["less than by polling"] == pytest.approx(100 * (1 - 167 / 2400))
