"""A run's charts over the record: what they say, who may ask, and what an answer costs."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.charts.answers import chart_data
from history.charts.parts import Axis, Chart, Kind, Series, Unit, Value
from history.models import AttemptMemory, Run
from tests import cast
from tests.history.judged.test_known_answers import file_all
from tests.history.run_page.test_page import ran

pytestmark = pytest.mark.django_db

GIB = 1 << 30


@pytest.fixture
def people():
    return cast.make_cast()


@pytest.fixture
def server(people):
    return cast.make_server(people.northlight, name="kino-01")


@pytest.fixture
def bob(people, client):
    client.force_login(people.bob)
    return client


def ask(client, run, name, status=200, **headers):
    answer = client.get(f"/teams/northlight/runs/{run.pk}/charts/{name}.json", headers=headers)
    assert answer.status_code == status
    return answer


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_duration_is_shown_over_the_runs_that_the_page_compares_with(bob, people):
    file_all(people.northlight)

    told = ask(bob, Run.objects.get(external_id="20251112-102213"), "duration").json()

    assert [stop["y"] for stop in told["stops"]] == pytest.approx([382.4, 378.5, 386.3])
    assert told["stops"][0]["rows"][-1] == ["c-base", "Baseline", "6m\u00a020s"]
    sentence = "This run took 6m\u00a026s, as usual: within the noise around the median of 2 runs"
    assert sentence in told["figure"]


def test_a_run_that_goes_on_has_no_duration_and_says_so(bob, server):
    told = ask(bob, ran(server, "success", "running"), "duration").json()

    assert told["spec"] is None
    assert "nothing to draw yet" in told["figure"]


def test_success_counts_what_was_tried(bob, server):
    ran(server, "success", "failed", "skipped", hours=-5)
    run = ran(server, "success", "success", "timeout")
    Run.objects.update(work="w" * 64)

    told = ask(bob, run, "success").json()

    assert [[row[2] for row in stop["rows"][:2]] for stop in told["stops"]] == [
        ["1 of 2", "1 of 2"],
        ["2 of 3", "1 of 3"],
    ]
    assert "2 of 3 scenes completed (66.7%); 50.0% of 2 scenes" in told["figure"]


def test_a_scene_stands_at_the_fullest_of_its_cards(bob, server):
    run = ran(server, "success", "success")
    for attempt in server.attempts.order_by("pk")[:1]:
        for index, free in enumerate((18, 6)):
            AttemptMemory.objects.create(
                attempt=attempt,
                index=index,
                name="RTX 4090",
                total_bytes=24 * GIB,
                free_lowest_bytes=free * GIB,
                grade="exact",
                samples=9,
            )

    told = ask(bob, run, "memory").json()

    assert [(stop["x"], stop["y"]) for stop in told["stops"]] == [(0.75, 90.0)]
    assert "took 75% of its card and 1m\u00a030s" in told["figure"]


def test_without_memory_on_record_it_says_what_would_tell_it(bob, server):
    told = ask(bob, ran(server, "success"), "memory").json()

    assert told["spec"] is None
    assert "Servers that are watched tell it" in told["figure"]


def test_an_unchanged_chart_is_not_sent_twice(bob, server):
    run = ran(server, "success")
    first = ask(bob, run, "success")

    again = ask(bob, run, "success", status=304, if_none_match=first["ETag"])

    assert first["Cache-Control"] == again["Cache-Control"] == "private, no-cache"
    assert again.content == b""


def test_a_chart_that_changed_is_sent_again(bob, server):
    run = ran(server, "success")
    first = ask(bob, run, "success")
    Run.objects.update(title="Another name")

    ask(bob, run, "success", if_none_match=first["ETag"])


def test_other_teams_charts_do_not_exist(people, server, client):
    run = ran(server, "success")
    client.force_login(people.mallory)

    ask(client, run, "duration", status=404)


def test_there_are_no_other_charts(bob, server):
    ask(bob, ran(server, "success"), "no-such-chart", status=404)


def test_its_table_is_a_page_for_who_has_no_javascript(bob, people):
    file_all(people.northlight)
    run = Run.objects.get(external_id="20251112-102213")
    page = bob.get(f"/teams/northlight/runs/{run.pk}/").content.decode()
    address = f"/teams/northlight/runs/{run.pk}/charts/duration/"

    shown = words(bob.get(address).content.decode())

    assert f'<a href="{address}">Show as a table</a>' in page
    assert all(took in shown for took in ("6m 22s", "6m 18s", "6m 26s"))


def test_names_cannot_bring_markup_of_their_own(bob, server):
    run = ran(server, "success")
    Run.objects.update(title="<img src=x>")

    told = ask(bob, run, "success").json()

    assert "<img" not in told["figure"]
    assert "&lt;img src=x&gt;" in told["figure"]


@pytest.mark.parametrize(("name", "queries"), [("duration", 6), ("success", 6), ("memory", 7)])
@pytest.mark.parametrize("scenes", [3, 60])
def test_it_asks_as_much_of_the_database_for_many_scenes(bob, server, name, queries, scenes):
    run = ran(server, *["success"] * scenes)

    with CaptureQueriesContext(connection) as asked:
        ask(bob, run, name)

    assert len(asked) == queries


def test_an_answer_holds_at_most_about_a_thousand_marks(rf):
    values = tuple(Value(x, 1.0 + x % 7, "scene", "1 s") for x in range(20_000))
    peak = Value(20_000, 500.0, "peak", "500 s")
    series = (Series("Scene", (*values, peak)),)
    chart = Chart(Kind.LINES, "Trend", "It rose.", Axis("Time", Unit.SECONDS), series)

    told = json.loads(chart_data(rf.get("/"), chart).content)

    assert len(told["stops"]) <= 1_002
    assert told["stops"][-1]["y"] == 500
    assert "of 20,001 points, extremes kept" in told["figure"]
