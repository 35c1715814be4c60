"""Which runs an address asks for, and the addresses that ask for the same."""

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from history.compare.choice import MOST, Choice, choice_of, limited, query_of

numbers = st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=MOST, unique=True)


def asked(query):
    return choice_of(QueryDict(query))


def test_it_keeps_the_order_and_takes_the_first_for_the_base():
    assert asked("runs=15,12,18") == Choice((15, 12, 18), 15)


def test_another_run_may_be_the_base():
    assert asked("runs=15,12,18&base=18").base == 18


def test_a_base_that_is_none_of_the_runs_is_not_taken():
    assert asked("runs=15,12&base=99").base == 15


def test_it_takes_ticked_and_added_runs_after_those_that_were_there():
    assert asked("runs=15&run=3&run=4&add=%2318,15").ids == (15, 3, 4, 18)


@pytest.mark.parametrize("word", ["x", "-1", "0", "1.5", "٣", "9" * 30])
def test_what_is_no_number_is_told_and_the_rest_holds(word):
    choice = asked(f"runs=15,{word},12")

    assert choice.ids == (15, 12)
    assert choice.problems == (f"“{word}” is no number of a run.",)


def test_more_than_fit_are_told_and_left_out():
    choice = asked("runs=" + ",".join(str(pk) for pk in range(1, 28)))

    assert choice.ids == tuple(range(1, 26))
    assert choice.problems == ("At most 25 runs stand side by side. Left out: #26, #27.",)


def test_a_run_that_is_not_there_is_told_and_the_base_moves_on():
    choice = limited(asked("runs=15,12,18"), {12, 18})

    assert choice == Choice((12, 18), 12, False, ("There is no run #15 in this team.",))


@given(numbers, st.integers(0, MOST - 1), st.booleans())
def test_the_address_of_a_choice_asks_for_it(ids, place, only):
    base = ids[place % len(ids)]

    assert asked(query_of(ids, base, only)) == Choice(tuple(ids), base, only)
