"""How runs stand against the base: what is said, what is not, and that it mirrors."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.compare.pairs import Way, compare_runs, symmetric
from history.compare.words import head_of, statements
from tests.history.compare.made import GONE, in_memory

QUIET = [100, 102, 98, 101, 99] * 4
NOISY = [60, 150, 90, 200, 110] * 4
seconds = st.floats(0.5, 1e5)
maybe = st.one_of(st.none(), st.just(GONE), seconds)


def pair(base, other, spread=QUIET):
    return compare_runs(in_memory([base, other], spread)).pairs[1]


def test_a_fifth_more_than_usual_is_slower():
    told = pair([100] * 4, [120] * 4)

    assert (told.way, told.n) == (Way.SLOWER, 20)
    assert told.seconds == pytest.approx(80)
    assert head_of(told, "B", "A") == "B is 18% slower than A"


def test_a_scene_without_a_time_that_the_base_does_not_have_is_no_hindrance():
    assert pair([100, GONE], [120, None]).way is Way.SLOWER


def test_a_fifth_within_the_noise_is_not_distinguishable():
    assert pair([100] * 4, [120] * 4, NOISY).way is Way.ALIKE


def test_less_than_a_tenth_does_not_matter_however_quiet_it_is():
    assert pair([100] * 4, [109] * 4).way is Way.ALIKE


def test_nobody_can_tell_without_earlier_runs():
    told = pair([100], [150], [100, 101])

    assert (told.way, told.limit) == (Way.UNSURE, None)
    assert head_of(told, "B", "A").endswith("longer than A; nobody can tell yet if that is chance")


def test_the_evidence_names_the_noise_where_it_is_more_than_a_tenth():
    read = in_memory([[100] * 4, [115] * 4], [90, 100, 110, 105, 95] * 4)

    told = statements(read, compare_runs(read), [[], []])[0]

    assert re.search(r"took 1m\s00s more: within the 3\d% by which two such runs", told.why)


def test_noise_of_runs_is_that_before_the_earlier_one_whichever_is_the_base():
    before = QUIET, NOISY

    there = compare_runs(in_memory([[100] * 4, [120] * 4], (), 0, before)).pairs[1]
    back = compare_runs(in_memory([[100] * 4, [120] * 4], (), 1, before)).pairs[0]

    assert (there.way, back.way) == (Way.SLOWER, Way.FASTER)


def test_a_scene_that_moved_is_held_against_its_first_place_whichever_is_the_base():
    read = in_memory([[100], [150]], QUIET, shifts=(0, 25))
    back = in_memory([[100], [150]], QUIET, 1, shifts=(0, 25))

    assert compare_runs(read).cells[0][1].stands_out is True
    assert compare_runs(back).cells[0][0].stands_out is True


def test_a_failed_scene_is_left_out_and_the_rest_compared():
    told = pair([100] * 4, [100, 100, None, 130])

    assert (told.fair, told.shared, told.seconds) == (3, 4, pytest.approx(30))
    assert sum(told.left_out.values()) == 1


def test_with_less_than_half_alike_it_cannot_be_compared_fairly():
    told = pair([100] * 4, [120, None, None, None])

    assert told.way is Way.UNFAIR
    assert told.change is None


def test_runs_without_a_common_scene_cannot_be_compared():
    assert head_of(pair([], [100]), "B", "A") == (
        "B cannot be compared fairly with A: they have no scene in common"
    )


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("gpu_model", "H200", "on different GPU models"),
        ("workload", "other", "of different work"),
        ("workload", None, "of work that nobody knows: no graph is on record"),
        ("warmth", "cold", "cold in one and warm in the other, or unknown"),
        ("timed_by", "script", "timed by ComfyUI in one and by the script in the other"),
        ("cached", True, "came out of the cache"),
    ],
)
@pytest.mark.parametrize("run", [0, 1])
def test_what_is_not_alike_is_not_compared_whichever_it_is_of(field, value, words, run):
    read = in_memory([[100], [120]], QUIET)
    setattr(read.scenes[run][0], field, value)

    told = compare_runs(read).pairs[1]

    assert head_of(told, "B", "A") == f"B cannot be compared fairly with A: 1 scene {words}"


def test_a_scene_stands_out_beyond_its_own_noise_only():
    cells = compare_runs(in_memory([[100, 100], [104, 150]], QUIET)).cells

    assert [row[1].stands_out for row in cells] == [False, True]


def test_noise_is_that_of_before_the_runs_that_are_compared():
    read = in_memory([[100] * 4, [120] * 4], QUIET)
    (kind, like), *_ = read.like.items()
    later = [
        replace(work, ended_at=read.at, value=work.value * 1.5, id=("later", n))
        for n, work in enumerate(like[::2])
    ]
    read.like[kind] = [*later, *like]

    assert compare_runs(read).pairs[1].way is Way.SLOWER


@given(seconds, seconds)
def test_a_difference_there_and_back_cancels_out(one, other):
    assert symmetric(one, other) == -symmetric(other, one)


earlier = st.lists(st.floats(50, 200), max_size=20)
MIRRORED = {Way.SLOWER: Way.FASTER, Way.FASTER: Way.SLOWER}


@given(
    st.lists(st.tuples(maybe, maybe), min_size=1, max_size=6),
    earlier,
    st.tuples(earlier, earlier),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_with_both_runs_swapped_the_statement_mirrors(times, spread, before, shifts):
    both = list(zip(*times, strict=True))
    there = compare_runs(in_memory(both, spread, 0, before, shifts))
    back = compare_runs(in_memory(both, spread, 1, before, shifts))
    one, other = there.pairs[1], back.pairs[0]

    assert other.way is MIRRORED.get(one.way, one.way)
    assert (other.fair, other.shared, other.left_out) == (one.fair, one.shared, one.left_out)
    assert other.n == one.n
    if one.change is not None:
        assert other.change == pytest.approx(-one.change)
        assert other.seconds == pytest.approx(-one.seconds)
        assert other.limit == pytest.approx(one.limit) or one.limit is None
    for row, mirrored in zip(there.cells, back.cells, strict=True):
        assert row[1].stands_out == mirrored[0].stands_out
        assert (row[1].change is None) is (mirrored[0].change is None)
        assert row[1].change is None or mirrored[0].change == pytest.approx(-row[1].change)
