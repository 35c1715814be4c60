"""Topics and places as they are written in addresses."""

import pytest

from telemetry.places import MOST_TOPICS, NotATopic, Wanted, caught_up, joined, wanted, wanted_in
from telemetry.stores import Stamp


def test_it_reads_what_it_writes():
    places = [Wanted("team-1"), Wanted("server-12", Stamp("3f2a", 907))]

    assert joined(places) == "team-1,server-12@3f2a.907"
    assert [wanted(text) for text in joined(places).split(",")] == places


@pytest.mark.parametrize(
    "text",
    [
        "",
        "team",
        "team-",
        "team-0",
        "team-x",
        "team-1@",
        "team-1@zz.1",
        "team-1@ab.-1",
        "../1",
        "t\n",
    ],
)
def test_it_refuses_what_is_no_topic(text):
    with pytest.raises(NotATopic, match="write team-1"):
        wanted(text)


def test_it_reads_each_topic_of_a_query_once():
    assert wanted_in("topic=team-1&topic=server-2&x=y&topic=team-1@ab.3") == [
        Wanted("team-1", Stamp("ab", 3)),
        Wanted("server-2"),
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "no topic"),
        ("topic=", "no topic"),
        ("&".join(f"topic=team-{n}" for n in range(1, MOST_TOPICS + 2)), "more than"),
        ("&".join(f"topic=team-{n}" for n in range(1, 1000)), "more than"),
    ],
)
def test_it_says_what_is_wrong_with_a_query(query, words):
    with pytest.raises(NotATopic, match=words):
        wanted_in(query)


def test_an_events_id_tells_how_far_its_reader_came():
    asked = [Wanted("team-1"), Wanted("server-2")]

    assert caught_up(asked, "team-1@ab.5,team-9@ab.1,no place") == [
        Wanted("team-1", Stamp("ab", 5)),
        Wanted("server-2"),
    ]
