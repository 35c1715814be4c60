"""Which earlier work is fair to compare with."""

from datetime import timedelta
from itertools import combinations

import pytest

from history.baseline.fingerprint import Fingerprint, Model
from history.baseline.ladder import REFUSALS, Reason, Rung, find_baseline, refusal
from history.baseline.work import Warmth, warmth_of
from telemetry.words import Outcome
from tests.history.baseline.works import BEGAN, SDXL, kind, work

HERE = work(100, 63.0)


def earlier(count, first=0, value=60.0, **changes):
    return [work(first + number, value + number, **changes) for number in range(count)]


def test_it_takes_the_last_twenty_of_the_same_work():
    baseline = find_baseline(HERE, earlier(30))

    assert baseline.rung is Rung.EXACT
    assert baseline.values == tuple(70.0 + number for number in range(20))
    assert baseline.left_out == {Reason.OLDER: 10}


def test_it_takes_them_in_the_order_of_time_whatever_order_they_come_in():
    works = earlier(30)

    assert find_baseline(HERE, reversed(works)) == find_baseline(HERE, works)


def test_it_says_median_and_mad():
    baseline = find_baseline(HERE, [work(n, value) for n, value in enumerate((50, 60, 61, 62, 90))])

    assert (baseline.median, baseline.mad) == (61, 1)


def test_work_is_never_in_its_own_baseline():
    baseline = find_baseline(HERE, [*earlier(6), HERE])

    assert HERE.id not in baseline.ids
    assert baseline.left_out == {Reason.ITSELF: 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"archived": True}, Reason.ARCHIVED),
        ({"cached": True}, Reason.CACHED),
        ({"outcome": None}, Reason.UNFINISHED),
        ({"ended_at": None}, Reason.UNFINISHED),
        ({"ended_at": BEGAN + timedelta(hours=100)}, Reason.LATER),
        ({"ended_at": BEGAN + timedelta(hours=101)}, Reason.LATER),
        ({"outcome": Outcome.FAILED}, Reason.OUTCOME),
        ({"outcome": Outcome.TIMEOUT}, Reason.OUTCOME),
        ({"outcome": Outcome.PARTIAL}, Reason.OUTCOME),
        ({"outcome": Outcome.LOST}, Reason.OUTCOME),
        ({"value": None}, Reason.NO_VALUE),
        ({"value": 0.0}, Reason.NO_VALUE),
        ({"value": float("nan")}, Reason.NO_VALUE),
        ({"value": float("inf")}, Reason.NO_VALUE),
        ({"gpu": "RTX 3090"}, Reason.OTHER_GPU),
        ({"gpu": None}, Reason.OTHER_GPU),
        ({"warmth": Warmth.COLD}, Reason.OTHER_WARMTH),
        ({"warmth": Warmth.UNKNOWN}, Reason.OTHER_WARMTH),
        ({"fingerprint": kind("x", "y")}, Reason.OTHER_WORK),
        ({"fingerprint": Fingerprint()}, Reason.OTHER_WORK),
        ({"fingerprint": kind("x", steps=41)}, Reason.TOO_FAR),
        ({"fingerprint": kind("x", steps=9)}, Reason.TOO_FAR),
    ],
)
def test_it_leaves_out_what_is_unlike_and_says_why(changes, reason):
    unlike = work(50, **changes)

    baseline = find_baseline(HERE, [*earlier(6), unlike])

    assert baseline.n == 6
    assert baseline.left_out == {reason: 1}


def test_while_work_runs_all_that_ended_is_earlier():
    running = work(1, None, ended_at=None, outcome=None)

    assert find_baseline(running, earlier(6, first=200)).n == 6


def test_five_of_the_same_work_are_enough_and_nothing_is_scaled_in():
    baseline = find_baseline(HERE, [*earlier(5), work(50, fingerprint=kind("x", steps=30))])

    assert (baseline.rung, baseline.n) == (Rung.EXACT, 5)
    assert baseline.left_out == {Reason.WIDER: 1}


def test_of_too_few_it_widens_to_the_same_work_scaled():
    same, larger = earlier(4), [work(50 + n, 90.0, fingerprint=kind("x", steps=30)) for n in (0, 1)]

    baseline = find_baseline(HERE, [*same, *larger])

    assert (baseline.rung, baseline.n) == (Rung.SCALED, 6)
    assert baseline.values[-2:] == pytest.approx((60.0, 60.0))


def test_what_was_scaled_may_be_wrong_and_allows_for_it():
    scaled = find_baseline(HERE, [work(n, fingerprint=kind("x", steps=40)) for n in range(6)])
    exact = find_baseline(HERE, earlier(6))

    assert scaled.allowance == pytest.approx(0.3 * 0.6931, abs=1e-3)
    assert exact.allowance == 0


def test_the_same_work_at_another_place_of_a_run_stands_on_the_second_rung():
    baseline = find_baseline(HERE, earlier(6, position=4))

    assert (baseline.rung, baseline.allowance) == (Rung.SCALED, 0)


def test_where_nobody_knows_what_was_warm_only_the_same_place_of_a_run_is_alike():
    others = earlier(6, warmth=Warmth.UNKNOWN, position=4)

    def found(position):
        return find_baseline(work(100, warmth=Warmth.UNKNOWN, position=position), others)

    assert found(0).left_out == {Reason.OTHER_WARMTH: 6}
    assert found(4).rung is Rung.EXACT


@pytest.mark.parametrize(
    "other",
    [
        kind("x", models=(Model("checkpoint", "flux.safetensors"),)),
        kind("x", samplers=("heun",)),
    ],
)
def test_similar_work_is_shown_and_judges_nothing(other):
    baseline = find_baseline(HERE, earlier(30, fingerprint=other))

    assert (baseline.rung, baseline.judges) == (Rung.FAMILY, False)


def test_a_few_of_the_same_work_are_better_than_many_that_are_similar():
    similar = earlier(30, fingerprint=kind("x", samplers=("heun",)))

    baseline = find_baseline(HERE, [*similar, *earlier(2, first=50)])

    assert (baseline.rung, baseline.n) == (Rung.EXACT, 2)


def test_with_nothing_to_compare_it_says_so():
    baseline = find_baseline(HERE, earlier(3, gpu="RTX 3090"))

    assert (baseline.rung, baseline.n, baseline.median, baseline.mad) == (Rung.NONE, 0, None, None)
    assert baseline.sentence() == "Not compared; left out: 3 on another GPU model."


def test_it_says_in_a_sentence_what_it_compared():
    baseline = find_baseline(HERE, [*earlier(6), work(50, archived=True)])

    assert baseline.sentence() == "Compared with the same work (n = 6); left out: 1 archived."


def test_work_without_a_fingerprint_is_like_nothing():
    unknown = work(100, fingerprint=Fingerprint())

    assert find_baseline(unknown, earlier(6, fingerprint=Fingerprint())).rung is Rung.NONE


def test_work_is_warm_if_its_models_were_just_in_use():
    lora = (Model("LoRA", "ink.safetensors"),)

    assert warmth_of(SDXL, SDXL, restarted=False) is Warmth.WARM
    assert warmth_of(SDXL, SDXL + lora, restarted=False) is Warmth.WARM
    assert warmth_of(SDXL + lora, SDXL, restarted=False) is Warmth.COLD
    assert warmth_of(SDXL, SDXL, restarted=True) is Warmth.COLD
    assert warmth_of(SDXL, None, restarted=False) is Warmth.UNKNOWN
    assert warmth_of((), None, restarted=True) is Warmth.WARM


# In each of these other work may differ from HERE, by itself or together with another.
DIFFERENCES = {
    "fingerprint": kind("other", "other"),
    "ended_at": None,
    "outcome": None,
    "gpu": "H200",
    "warmth": Warmth.COLD,
    "position": 3,
    "archived": True,
    "cached": True,
}
LATER = {"ended_at": BEGAN + timedelta(hours=200)}


@pytest.mark.parametrize("mine", [HERE, work(100, warmth=Warmth.UNKNOWN), work(100, ended_at=None)])
def test_what_is_taken_at_a_glance_is_what_every_question_lets_pass(mine):
    pairs = [dict(pair) for pair in combinations(DIFFERENCES.items(), 2)]
    alone = [dict([one]) for one in DIFFERENCES.items()]
    same = {"fingerprint": mine.fingerprint, "warmth": mine.warmth}

    for changes in ({}, LATER, *alone, *pairs):
        for number in (1, 100):
            other = work(number, **{**same, **changes})
            asked = [reason for reason, applies in REFUSALS if applies(mine, other)]
            assert refusal(mine, other) == (asked[0] if asked else None), (number, changes)
