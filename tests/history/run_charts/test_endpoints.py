"""A run's charts over the record: what they say, who may ask, and what an answer costs."""

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.charts.answers import chart_data
from history.charts.parts import Axis, Chart, Kind, Series, Unit, Value
from history.imports.told import ToldPolls
from history.models import AttemptMemory, Run, Scene
from history.polls import pack
from telemetry.words import Status
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


def fill(attempt, **fields):
    """Have it on record how full a card of 24 GiB was."""
    told = {"index": 0, "name": "RTX 4090", "grade": "measured", "samples": 9, **fields}
    AttemptMemory.objects.create(attempt=attempt, total_bytes=24 * GIB, **told)


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
    told = ask(bob, ran(server, "success", Status.RUNNING), "duration").json()

    assert told["spec"] is None
    assert (
        "Nothing to draw: no completed run, this or an earlier one like it, has" in told["figure"]
    )


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        (["failed"], "This run did not complete: its time is not comparable."),
        (["success", Status.RUNNING], "This run goes on: it joins the line when it completes."),
    ],
)
def test_it_says_which_of_two_reasons_keeps_a_run_out_of_the_line(bob, server, outcomes, why):
    for hours in range(-9, -3):
        ran(server, *["success"] * len(outcomes), hours=hours)
    run = ran(server, *outcomes)
    Run.objects.update(work="w" * 64)

    assert why in words(ask(bob, run, "duration").json()["figure"])


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


def test_what_nobody_knows_is_no_failure(bob, server):
    ran(server, "success", "success", hours=-5)
    unknown = ran(server, "success", None, hours=-4)
    run = ran(server, "success", "failed")
    Run.objects.update(work="w" * 64)

    told = ask(bob, run, "success").json()
    of_unknown = ask(bob, unknown, "success").json()

    assert len(told["stops"]) == 2
    assert "100% of 2 scenes of 1 earlier run did" in words(told["figure"])
    assert "Nobody knows how all of its scenes ended." in of_unknown["figure"]
    assert len(of_unknown["stops"]) == 1


def test_a_scene_stands_at_the_fullest_of_its_cards(bob, server):
    run = ran(server, "success", "success")
    attempt = server.attempts.order_by("pk").first()
    for index, free in enumerate((18, 6)):
        fill(attempt, index=index, free_lowest_bytes=free * GIB)

    told = ask(bob, run, "memory").json()

    assert [(stop["x"], stop["y"]) for stop in told["stops"]] == [(0.75, 90.0)]
    assert "took 75% of its card and 1m\u00a030s" in told["figure"]


def test_of_what_only_a_script_told_the_larger_use_before_or_after_stands(bob, server):
    run = ran(server, "success")
    fill(server.attempts.get(), free_before_bytes=20 * GIB, free_after_bytes=16 * GIB)

    told = ask(bob, run, "memory").json()

    (dot,) = told["stops"]
    assert dot["x"] == pytest.approx(1 / 3)
    assert "VRAM in use before or after, the larger" in str(dot["rows"])
    assert "of 1 scene as read before and after it" in told["figure"]


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


@pytest.mark.parametrize("name", ["duration", "success", "memory"])
def test_names_cannot_bring_markup_of_their_own(bob, server, name):
    run = ran(server, "success")
    fill(server.attempts.get(), free_lowest_bytes=GIB)
    Run.objects.update(title="<img src=x>")
    Scene.objects.update(external_id="<img src=y>")

    told = ask(bob, run, name).json()

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


def polled(server, told):
    """Return an attempt of a run of its own that was polled so."""
    attempt = ran(server, "success").scenes.get().attempts.get()
    cast.make_poll_log(attempt, packed=pack(told), first_at=told.at[0], last_at=told.at[-1])
    return attempt


def ask_polls(client, attempt, status=200):
    run = attempt.scene.run_id
    answer = client.get(f"/teams/northlight/runs/{run}/attempts/{attempt.pk}/polls.json")
    assert answer.status_code == status
    return answer


def test_each_poll_stands_where_it_was_asked_and_after_how_long(bob, server):
    times = [cast.NOON + timedelta(seconds=s) for s in (0, 2, 4, 34)]

    told = ask_polls(bob, polled(server, ToldPolls(times, "ppes", {2: "refused"}))).json()

    assert [(stop["x"], stop["y"]) for stop in told["stops"]] == [(2, 2), (4, 2), (34, 30)]
    assert [stop["rows"][0][1] for stop in told["stops"]] == ["Pending", "Failed", "Answered"]
    assert ["", "Message", "refused"] in told["stops"][1]["rows"]
    assert "3 polls in 34s; the last was answered." in told["figure"]


def test_before_the_first_poll_there_was_none_to_wait_after(bob, server):
    told = ask_polls(bob, polled(server, ToldPolls([cast.NOON], "s"))).json()

    assert told["stops"] == []
    assert "There was one poll only" in told["figure"]
    assert '<td class="num">–</td>' in told["figure"]


def test_polls_without_times_are_no_chart(bob, server):
    told = ask_polls(bob, polled(server, ToldPolls([None, None], "ps"))).json()

    assert told["spec"] is None
    assert "how many polls there were, and not when" in told["figure"]


def test_an_attempt_without_polls_has_no_chart(bob, server):
    ask_polls(bob, ran(server, "success").scenes.get().attempts.get(), status=404)


def test_polls_of_another_run_are_not_below_this_one(bob, server):
    attempt, other = polled(server, ToldPolls([cast.NOON], "s")), ran(server, "success")

    address = f"/teams/northlight/runs/{other.pk}/attempts/{attempt.pk}/polls.json"

    assert bob.get(address).status_code == 404


def test_the_page_leads_to_the_polls_of_its_attempts(bob, server):
    first = polled(server, ToldPolls([cast.NOON], "s"))
    # Another number than its scene's.
    attempt = cast.make_attempt(server, first.scene, status="ended", outcome="success")
    cast.make_poll_log(attempt, packed=pack(ToldPolls([cast.NOON], "s")))
    run = attempt.scene.run_id
    Run.objects.update(revision=1)
    address = f"/teams/northlight/runs/{run}/attempts/{attempt.pk}/polls/"

    page = bob.get(f"/teams/northlight/runs/{run}/").content.decode()

    assert f'href="{address}"' in page
    assert bob.get(address).status_code == 200
