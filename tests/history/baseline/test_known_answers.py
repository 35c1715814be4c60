"""Three real runs of three scenes, whose figures were worked out by hand beforehand."""

import pytest

from history.baseline.confidence import Level
from history.baseline.ladder import Rung, find_baseline
from history.baseline.standing import Standing, deviation_of
from history.baseline.summary import summary_of
from history.baseline.verdict import Verdict, judge
from history.baseline.work import Warmth
from tests.history.baseline.works import work

RUNS = ((128.8, 124.8, 128.8), (128.9, 124.8, 124.8), (136.8, 124.8, 124.7))
SUMS = [sum(run) for run in RUNS]


def told(**figures):
    return {name: pytest.approx(value, abs=0.005) for name, value in figures.items()}


def shown(summary, names):
    return {name: getattr(summary, name) for name in names}


def test_it_sums_up_the_runs():
    answers = told(
        mean=382.4, median=382.4, minimum=378.5, maximum=386.3, sd=3.9, population_sd=3.184
    )

    assert [pytest.approx(value) for value in (382.4, 378.5, 386.3)] == SUMS
    assert shown(summary_of(SUMS), answers) == answers


def test_it_sums_up_the_scenes():
    answers = told(mean=127.47, median=124.8, population_sd=3.783, n=9)

    assert shown(summary_of([scene for run in RUNS for scene in run]), answers) == answers


def test_it_compares_the_third_run_with_the_first_two():
    runs = [work(n, value, warmth=Warmth.UNKNOWN, position=None) for n, value in enumerate(SUMS)]

    baseline = find_baseline(runs[2], runs)
    deviation = deviation_of(runs[2].value, baseline)

    assert (baseline.rung, baseline.n) == (Rung.EXACT, 2)
    assert baseline.median == pytest.approx(380.45, abs=0.005)
    assert deviation.delta == pytest.approx(5.85, abs=0.005)
    assert 100 * deviation.change == pytest.approx(1.54, abs=0.005)
    assert (deviation.standing, deviation.level) == (Standing.USUAL, Level.LOW)


@pytest.mark.parametrize(
    ("position", "median", "delta"), [(0, 128.85, 7.95), (1, 124.8, 0.0), (2, 126.8, -2.1)]
)
def test_it_compares_each_scene_with_the_same_scene(position, median, delta):
    scenes = [
        [
            work(3 * run + place, value, warmth=Warmth.UNKNOWN, position=place)
            for place, value in enumerate(values)
        ]
        for run, values in enumerate(RUNS)
    ]

    baseline = find_baseline(scenes[2][position], [scene for run in scenes for scene in run])

    assert baseline.n == 2
    assert baseline.median == pytest.approx(median, abs=0.005)
    assert deviation_of(scenes[2][position].value, baseline).delta == pytest.approx(
        delta, abs=0.005
    )


def test_two_runs_before_are_too_few_for_more_than_stable_and_low():
    judgement = judge(SUMS[2:], SUMS[:2])

    assert (judgement.verdict, judgement.level, judgement.n) == (Verdict.STABLE, Level.LOW, 2)
