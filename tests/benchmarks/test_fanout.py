"""That the benchmarks of the live path reckon rightly with what their viewers noted."""

import json

import pytest

from benchmarks._live.audience import Heard
from benchmarks._live.deliveries import lags_ms, percentiles, told_in_step
from benchmarks._live.viewers import Heard as Notes
from benchmarks._live.viewers import follows, mark
from benchmarks.fanout import Measured, _figures

MS = 1_000_000


def change(seq=1, sent_ns=0):
    patches = [["server-1-bar", "width", "4.0%"], ["server-1-step", "text", str(sent_ns)]]
    place = {"topic": "team-1", "epoch": "abc", "seq": seq}
    return json.dumps({"v": 1, "type": "change", **place, "patches": patches})


def measured(cpu_s, deliveries, published=5, viewers=2):
    return Measured(published, viewers, 1.0, [2.0] * deliveries, 0, 185, cpu_s, 0.0, 0.0)


def by_name(figures):
    return {figure.name: figure for figure in figures}


def test_it_reckons_each_delivery_from_the_time_in_its_step():
    heard = Heard(
        [change(1, 10 * MS), change(2, 20 * MS)], [(0, 12 * MS), (0, 15 * MS), (1, 21 * MS)], 0, 0
    )
    assert lags_ms([heard], told_in_step) == [2.0, 5.0, 1.0]


def test_it_leaves_out_what_is_no_change():
    heard = Heard([json.dumps({"v": 1, "type": "hello"})], [(0, 5 * MS)])
    assert lags_ms([heard], told_in_step) == []


def test_it_keeps_a_text_once_however_many_viewers_get_it():
    notes = Notes()
    places = [notes.note(change().encode(), at_ns) for at_ns in (1, 2, 3)]
    assert (places, len(notes.texts), notes.came) == ([0, 0, 0], 1, [(0, 1), (0, 2), (0, 3)])


@pytest.mark.parametrize(
    ("text", "place"), [(change(7), ("team-1", "abc", 7)), ('{"v":1,"type":"beat"}', None)]
)
def test_it_acknowledges_what_has_a_place(text, place):
    assert mark(text) == place


@pytest.mark.parametrize(
    ("before", "next_one"),
    [
        (None, True),
        (("team-1", "abc", 6), True),
        (("team-1", "abc", 7), False),
        (("team-1", "abc", 5), False),
        (("team-1", "old", 6), False),
    ],
)
def test_it_knows_a_gap_and_a_double(before, next_one):
    assert follows(before, ("team-1", "abc", 7)) is next_one


def test_it_divides_by_the_mean_of_both_bare_windows():
    figures = _figures(measured(0.6, 10), measured(0.1, 10), measured(0.2, 10))
    assert by_name(figures)["Daphne, the same as a multiple of bare"].value == pytest.approx(4)


def test_it_counts_what_did_not_come():
    figures = by_name(_figures(measured(0.6, 9), measured(0.1, 10), measured(0.1, 10)))
    assert figures["Daphne, deliveries that did not come"].value == 1
    assert figures["Daphne, deliveries that did not come"].holds is False


def test_it_passes_nothing_where_nobody_was_reached():
    figures = _figures(measured(0.6, 0), measured(0.1, 0), measured(0.1, 0))
    assert not [figure.name for figure in figures if figure.holds]


def test_it_has_no_percentiles_of_nothing():
    assert [figure.value for figure in percentiles("lag", [], (15, 30))] == [None, None]
