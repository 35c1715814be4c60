"""The small lines of the list of runs: from old to new, with gaps where nothing is known."""

from datetime import timedelta

import pytest
from django.test import Client

from history.baseline.fingerprint import Fingerprint
from history.baseline.ladder import Baseline
from history.baseline.work import Work
from history.explore.trends import SHOWN, success_line, time_line
from history.judged.judging import Judged
from history.models import Run
from telemetry.words import Outcome
from tests.cast import NOON, make_cast, make_run


def judged(values: tuple[float, ...], value: float | None) -> Judged:
    work = Work(1, Fingerprint("a" * 64), value, NOON, Outcome.SUCCESS)
    return Judged(work, Baseline(values=values, ids=tuple(range(len(values)))))


def test_a_rows_line_ends_with_the_run_itself() -> None:
    line = time_line(judged((10.0, 20.0), 30.0))

    assert line is not None
    assert line.line == "M0 22L50 12L100 2"


def test_a_rows_line_holds_the_newest_of_many_runs() -> None:
    line = time_line(judged((*[99.0] * 50, *[1.0] * (SHOWN - 1)), 1.0))

    assert line is not None
    assert line.line.count(" 22") == SHOWN  # level: nothing of the older ones


def test_a_first_run_has_no_line() -> None:
    assert time_line(judged((), 30.0)) is None


def test_the_success_of_the_rows_runs_from_old_to_new_with_a_gap_for_what_goes_on() -> None:
    newest_first = [Run(success_rate=rate) for rate in (1.0, None, 0.5, 0.0)]

    line = success_line(newest_first)

    assert line is not None
    assert line.line == "M0 22L33.33 12M99 2L100 2"


@pytest.mark.django_db
def test_the_list_shows_both(client: Client) -> None:
    cast = make_cast()
    for hours in range(3):
        began_at = NOON - timedelta(hours=hours)
        make_run(
            cast.northlight,
            began_at=began_at,
            ended_at=began_at + timedelta(minutes=9),
            outcome="success",
            success_rate=1.0,
            work="w" * 64,
            work_s=60.0 + hours,
            scene_count=1,
        )
    client.force_login(cast.bob)

    html = client.get("/teams/northlight/runs/").content.decode()

    # The first has none before it.
    rows = html.split('<td class="trend-cell c-hide">')[1:]
    assert ["<svg" in row.partition("</td>")[0] for row in rows] == [True, True, False]
    assert "Of the 3 runs below, oldest to newest" in html
