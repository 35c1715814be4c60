"""The figures of a list of runs: held against the known answers, and against what Python reckons.

Both databases have to come to the same: on PostgreSQL it is the database that reckons.
"""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from history.baseline.summary import summary_of
from history.explore import figures
from history.explore.figures import figures_of
from history.explore.filters import STATUSES
from history.explore.panel import panel_of
from history.models import Run
from history.models.choices import OUTCOMES
from history.settling import settle
from tests import cast

pytestmark = pytest.mark.django_db
# Three real runs of three scenes each, in seconds.
KNOWN = {
    "20251111-164341": (128.8, 124.8, 128.8),
    "20251112-050747": (128.9, 124.8, 124.8),
    "20251112-102213": (136.8, 124.8, 124.7),
}


@pytest.fixture
def team() -> Any:
    return cast.make_team("Northlight")


def run(team: Any, work_s: float | None = None, hours: float = 0, **fields: Any) -> Run:
    usual = {"outcome": "success", "scene_count": 1, "success_count": 1, "duration_s": work_s}
    began_at = cast.NOON + timedelta(hours=hours)
    return cast.make_run(team, began_at=began_at, work_s=work_s, **{**usual, **fields})


def found(team: Any) -> figures.Figures:
    return figures_of(Run.objects.filter(team=team))


def test_it_says_when_the_oldest_and_the_newest_run_began(team: Any) -> None:
    for hours in (3, 1, 2):
        run(team, 60, hours)

    told = found(team)

    assert told.oldest_at == cast.NOON + timedelta(hours=1)
    assert told.newest_at == cast.NOON + timedelta(hours=3)


def test_it_says_of_no_run_when_it_began(team: Any) -> None:
    assert (found(team).oldest_at, found(team).newest_at) == (None, None)


def test_it_comes_to_the_known_answers(team: Any) -> None:
    for number, (name, scenes) in enumerate(KNOWN.items()):
        three = {"scene_count": 3, "success_count": 3}
        run(team, sum(scenes), number, external_id=name, **three)

    told = found(team).work_s

    assert told.n == 3
    assert told.mean == pytest.approx(382.4, abs=0.01)
    assert told.median == pytest.approx(382.4, abs=0.01)
    assert (told.minimum, told.maximum) == (pytest.approx(378.5), pytest.approx(386.3))
    assert told.sd == pytest.approx(3.9, abs=0.01)
    assert told.population_sd == pytest.approx(3.184, abs=0.001)
    assert found(team).success.successes == found(team).success.n == 9


def test_the_known_scenes_come_to_their_figures_too(team: Any) -> None:
    for number, seconds in enumerate(s for scenes in KNOWN.values() for s in scenes):
        run(team, seconds, number)

    told = found(team).duration_s

    assert told.mean == pytest.approx(127.47, abs=0.01)
    assert told.median == pytest.approx(124.8, abs=0.01)
    assert told.population_sd == pytest.approx(3.783, abs=0.01)


@pytest.mark.parametrize("count", [1, 2, 4, 10, 21, 60])
def test_either_database_comes_to_what_python_does(team: Any, count: int) -> None:
    drawn = random.Random(count)
    values = [round(drawn.lognormvariate(4, 1), 3) for _ in range(count)]
    for number, seconds in enumerate(values):
        run(team, seconds, number)

    told, wanted = found(team).duration_s, replace(summary_of(values), variation=None)

    for name in wanted.__dataclass_fields__:
        mine, theirs = getattr(told, name), getattr(wanted, name)
        assert mine == (theirs if theirs is None else pytest.approx(theirs, abs=0.01)), name


def test_a_run_at_work_has_no_duration_yet_and_one_without_is_missing(team: Any) -> None:
    run(team, 60.0)
    run(team, None, 1)
    run(team, 30.0, 2, open_count=1, outcome=None, duration_s=None)

    told = found(team)

    assert (told.runs, told.duration_s.n, told.work_s.n) == (3, 1, 1)
    assert (told.duration_s.missing, told.work_s.missing) == (1, 1)


def test_of_nothing_there_are_no_figures(team: Any) -> None:
    told = found(team)
    panel = panel_of(told)

    assert (told.runs, told.scenes, told.duration_s.n, told.success.n) == (0, 0, 0, 0)
    assert (panel.share, panel.interval, panel.insights, panel.counts) == ("–", None, [], [])
    assert {figure.words for row in panel.measures for figure in row.figures} == {"–"}


def test_it_counts_runs_by_status(team: Any) -> None:
    for number, outcome in enumerate(["success", "success", "partial", "lost"]):
        run(team, 9.0, number, outcome=outcome)
    run(team, None, 5, outcome=None, open_count=1)

    told = {name: n for name, n in found(team).by_status.items() if n}
    assert told == {"completed": 2, "partial": 1, "lost": 1, "executing": 1}


def test_success_is_of_the_scenes_that_were_not_skipped(team: Any) -> None:
    ended = {"success_count": 8, "failed_count": 1, "cancelled_count": 1, "skipped_count": 5}
    run(team, 9.0, outcome="partial", scene_count=15, **ended)

    rate = found(team).success

    assert (rate.successes, rate.n, rate.share) == (8, 10, 0.8)
    # Wilson's interval, as published tables have it.
    assert rate.low == pytest.approx(0.4902, abs=0.0001)
    assert rate.high == pytest.approx(0.9433, abs=0.0001)
    assert panel_of(found(team)).of == "8 of 10 tried, 95% interval 49.0% to 94.3%"


@pytest.mark.parametrize("outcome", [value for value, _ in OUTCOMES])
def test_of_one_run_the_rate_is_that_of_the_run(team: Any, outcome: str) -> None:
    server = cast.make_server(team)
    one = cast.make_run(team)
    for number, ended in enumerate(["success", "success", outcome]):
        scene = cast.make_scene(one, external_id=f"scene-{number}")
        cast.make_attempt(server, scene, status="ended", outcome=ended)
    settle(one.scenes.values_list("pk", flat=True))
    one.refresh_from_db()

    assert found(team).success.share == one.success_rate


@pytest.mark.parametrize(("count", "sentences"), [(4, 0), (5, 1), (10, 2), (20, 2)])
def test_it_says_no_more_than_n_allows(team: Any, count: int, sentences: int) -> None:
    for number in range(count):
        run(team, 100.0 + number, number)

    assert len(panel_of(found(team)).insights) == sentences


@pytest.mark.parametrize(
    ("seconds", "level"),
    [
        ([], ""),
        ([100.0], "Low"),
        ([100.0, 101.0, 99.0, 100.0], "Low"),
        ([100.0, 101.0, 99.0, 100.0, 100.0], "High"),
        ([100.0, 300.0, 20.0, 100.0, 40.0], "Low"),
        ([75.0, 125.0] * 4, "Medium"),
    ],
)
def test_it_says_how_sure_the_mean_is(team: Any, seconds: list[float], level: str) -> None:
    for number, lasted_s in enumerate(seconds):
        run(team, lasted_s, number)

    assert panel_of(found(team)).measures[0].level == level


def test_of_a_very_long_history_the_newest_are_taken(
    team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MOST", 3)
    for number in range(5):
        run(team, float(number), number)

    told = found(team)

    assert (told.runs, told.is_part, told.duration_s.minimum) == (3, True, 2.0)
    assert panel_of(told).said == "the newest 3 runs, 3 scenes"


def test_it_takes_one_question_on_postgresql_and_two_on_sqlite(
    team: Any, django_assert_max_num_queries: Any
) -> None:
    run(team, 9.0)
    with django_assert_max_num_queries(2 if not figures_in_database() else 1):
        found(team)


def figures_in_database() -> bool:
    return figures.connection.vendor == "postgresql"


def test_a_filter_that_no_run_can_pass_leaves_nothing(team: Any) -> None:
    run(team, 9.0)

    told = figures_of(Run.objects.filter(team=team, submitter__in=[]))

    assert (told.runs, told.duration_s.n, told.by_status["completed"]) == (0, 0, 0)


def test_every_status_of_the_filters_is_counted(team: Any) -> None:
    for number, (_, which) in enumerate(STATUSES.values()):
        fields = dict(which.children)
        if fields.pop("open_count__gt", None) is not None:
            fields |= {"open_count": 1, "outcome": None}
        run(team, 9.0, number, **fields)

    assert found(team).by_status == dict.fromkeys(STATUSES, 1)
