"""Where runs are placed on the strip, and how neighbours are counted together."""

from datetime import timedelta
from itertools import pairwise

import pytest

from history.timeline.lanes import BINNED, BINS, ROW, ROWS, SINGLE, lanes_of
from tests.history.timeline.made import DAY, piece

NAMES = {1: "kino-01", 2: "atlas"}


def test_a_run_waits_from_its_submission_and_is_at_work_from_its_start() -> None:
    submitted = DAY.since + timedelta(hours=6)
    run = piece(6, lasted_s=12 * 3600, begun_at=submitted + timedelta(hours=6))

    [lane] = lanes_of([run], NAMES, DAY)

    [bar] = lane.bars
    assert (bar.wait_x, bar.wait_width, bar.x, bar.width) == (25, 25, 50, 25)
    assert bar.title == "Harbor: completed, waited 6h\u00a000m, took 6h\u00a000m, 3 scenes"


def test_a_run_that_nobody_has_begun_only_waits_and_says_so_far() -> None:
    run = piece(18, lasted_s=None, begun_at=None, status="queued")

    [lane] = lanes_of([run], NAMES, DAY)

    [bar] = lane.bars
    assert (bar.wait_x, bar.wait_width, bar.width) == (75, 25, 0)
    assert bar.title == "Harbor: queued, waited 6h\u00a000m so far, 3 scenes"


def test_each_server_has_a_lane_and_what_is_on_none_the_last() -> None:
    runs = [piece(server=None), piece(server=1), piece(server=2)]

    lanes = lanes_of(runs, NAMES, DAY)

    assert [lane.name for lane in lanes] == ["atlas", "kino-01", "Server not known"]
    assert [a.y + a.height < b.y for a, b in pairwise(lanes)] == [True, True]


def test_runs_at_the_same_time_stand_in_rows_below_each_other() -> None:
    runs = [piece(6, lasted_s=7200), piece(7, lasted_s=7200), piece(12)]

    [lane] = lanes_of(runs, NAMES, DAY)

    assert [bar.y - lane.y for bar in lane.bars] == [0, ROW, 0]
    assert lane.height == 2 * ROW


def test_the_mark_of_what_failed_takes_its_room_too() -> None:
    after = 0.01 * 24
    runs = [piece(6, lasted_s=1, status="failed"), piece(6 + after, lasted_s=1)]

    [lane] = lanes_of(runs, NAMES, DAY)

    assert [bar.y - lane.y for bar in lane.bars] == [0, ROW]


@pytest.mark.parametrize(
    "runs",
    [
        [piece(6, lasted_s=7200)] * (ROWS + 1),
        [piece(24 * n / SINGLE, lasted_s=1) for n in range(SINGLE + 1)],
    ],
    ids=["too many side by side", "too many in all"],
)
def test_too_many_runs_are_counted_together_and_none_is_lost(runs) -> None:
    [lane] = lanes_of(runs, NAMES, DAY)

    assert lane.bars == ()
    assert lane.height == BINNED
    assert lane.note == "bins of 30m\u00a000s"
    assert sum(one.count for one in lane.bins) == len(runs)
    assert len(lane.bins) <= BINS


def test_a_bin_says_how_many_ended_how_and_bears_the_worst() -> None:
    outcomes = ["completed"] * 4 + ["cancelled", "failed", "partial"]
    runs = [piece(6.1, lasted_s=7200, status=status) for status in outcomes]

    [lane] = lanes_of(runs, NAMES, DAY)

    [one] = lane.bins
    assert one.words == "7 runs: 4 completed, 1 partial, 1 failed, 1 cancelled"
    assert (one.worst, one.marked) == ("failed", True)
    assert one.since <= runs[0].began_at < one.until
    assert [part.status for part in one.parts] == ["completed", "partial", "cancelled", "failed"]


def test_one_failure_among_many_can_be_seen_in_its_bin() -> None:
    runs = [piece(6.1)] * 400 + [piece(6.1, status="failed")]

    [lane] = lanes_of(runs, NAMES, DAY)

    [one] = lane.bins
    [failed] = [part for part in one.parts if part.status == "failed"]
    assert failed.height >= 2
    assert all(0 <= part.y <= BINNED for part in one.parts)


def test_what_began_before_the_window_or_goes_on_is_cut_at_its_edges() -> None:
    early = piece(-2, lasted_s=3 * 3600)
    late = piece(23, lasted_s=None, ended_at=None, status="executing")

    [lane] = lanes_of([early, late], NAMES, DAY)

    first, last = lane.bars
    assert (first.x, first.width) == (0, pytest.approx(100 / 24, abs=0.01))
    assert last.x + last.width == pytest.approx(100)
    assert last.title.endswith("took 1h\u00a000m so far, 3 scenes")
