"""Since when runs take longer: where the chart says so, what it names, and what it costs to ask."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.baseline.ladder import Baseline, Rung
from history.charts.parts import Value
from history.invented.runs import Span
from history.models import Run
from history.run_charts.steps import steps_in
from tests import cast
from tests.history.run_page.test_page import BEGAN, ran

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 3, 4, tzinfo=UTC)
SPAN = Span.of(UNTIL, 60)
UPDATED = "gpu-a: ComfyUI 0.3.64 → 0.33.0"
# Halves that differ by more than matters, and by no more than chance does.
NOISE = (60, 120, 70, 110, 90, 140, 65, 100, 130, 75, 125, 95, 150, 80)
STEP = (90, 91, 92, 90, 91, 89, 90, 108, 109, 107, 108, 110, 108)


@pytest.fixture
def people():
    return cast.make_cast()


@pytest.fixture
def server(people):
    return cast.make_server(people.northlight, name="gpu-a")


@pytest.fixture
def bob(people, client):
    client.force_login(people.bob)
    return client


def days(server, lasted):
    """Return the last of runs on one day after the other, all of the same work."""
    runs = [ran(server, "success", hours=24 * day, lasted_s=s) for day, s in enumerate(lasted)]
    return Run.objects.get(pk=runs[-1].pk)


def updated(server, day, version="0.33.0"):
    """Have it on record that a server was updated some days after the first run."""
    cast.make_environment(server, since=BEGAN - timedelta(days=99), comfyui_version="0.3.64")
    at = BEGAN + timedelta(days=day)
    cast.make_environment(server, since=at, comfyui_version=version)


def ask(client, run, name="duration"):
    return client.get(f"/teams/northlight/runs/{run.pk}/charts/{name}.json").json()


def words(told):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", told["figure"]))


def rules(told):
    layers = (told["spec"] or {}).get("layer", [])
    found = [layer for layer in layers if layer["mark"]["type"] == "text"]
    return [(row["x"], row["label"]) for layer in found for row in layer["data"]["values"]]


def test_a_step_is_dated_and_counted(bob, server):
    told = ask(bob, days(server, STEP))

    began = BEGAN + timedelta(days=7)
    assert "such runs take 20% longer (n = 7 before, 6 after)." in words(told)
    assert f'Since <time datetime="{began.isoformat()}"' in told["figure"]


def test_two_steps_are_counted_each_to_its_neighbours(bob, server):
    told = ask(bob, days(server, (*STEP, 109, 140, 141, 139, 142, 140, 140)))

    assert rules(told) == [(7, "20% longer"), (14, "30% longer")]
    assert "(n = 7 before, 7 after)" in words(told)
    assert "(n = 7 before, 6 after)" in words(told)


def test_a_step_stands_in_the_plot_in_the_table_and_in_what_is_read(bob, server):
    told = ask(bob, days(server, STEP))

    assert rules(told) == [(7, "20% longer")]
    assert words(told).count("from here on 20% longer") == 1
    at = [stop["x"] for stop in told["stops"] if ["", "From here on", "20% longer"] in stop["rows"]]
    assert at == [7]


def test_an_update_between_the_two_runs_is_named_beside_it(bob, server):
    updated(server, 6.5)

    told = words(ask(bob, days(server, STEP)))

    assert "At about the same time" in told
    assert UPDATED in told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"kjnodes": "1.1"}, {"kjnodes": "1.2"}, "Node pack kjnodes 1.1 → 1.2"),
        ({}, {"kjnodes": "1.2"}, "Node pack kjnodes 1.2 added"),
        ({"kjnodes": "1.1"}, {}, "Node pack kjnodes removed"),
    ],
)
def test_a_change_of_node_packs_is_named_beside_it(bob, server, before, after, told):
    for day, packs in ((-99, before), (6.5, after)):
        cast.make_environment(server, since=BEGAN + timedelta(days=day), node_packs=packs)

    assert told in words(ask(bob, days(server, STEP)))


def test_node_packs_that_become_known_are_no_change(bob, server):
    for day, packs in ((-99, None), (6.5, {"kjnodes": "1.2"})):
        cast.make_environment(server, since=BEGAN + timedelta(days=day), node_packs=packs)

    assert "At about the same time" not in words(ask(bob, days(server, STEP)))


@pytest.mark.parametrize("day", [0.5, 12.5])
def test_an_update_at_another_time_is_not_named(bob, server, day):
    updated(server, day)

    told = words(ask(bob, days(server, STEP)))

    assert "20% longer" in told
    assert "At about the same time" not in told


def test_of_two_updates_the_nearer_one_is_named(bob, server):
    updated(server, 6.5)
    cast.make_environment(server, since=BEGAN + timedelta(days=7.5), comfyui_version="0.34.0")

    told = words(ask(bob, days(server, STEP)))

    assert UPDATED in told
    assert "0.34.0" not in told


def test_updates_of_servers_that_these_runs_were_not_on_are_not_named(bob, server):
    updated(cast.make_server(server.team, name="gpu-b"), 6.5)

    assert "gpu-b" not in words(ask(bob, days(server, STEP)))


def test_servers_that_changed_alike_are_named_together(bob, server):
    other = cast.make_server(server.team, name="gpu-b")
    ran(other, "success", hours=24 * 4 + 1)
    updated(server, 6.5)
    updated(other, 6.5)

    assert "gpu-a, gpu-b: ComfyUI 0.3.64 → 0.33.0." in words(ask(bob, days(server, STEP)))


@pytest.mark.parametrize("lasted", [STEP[3:11], STEP[:7], (90, 94, 88, 91, 93, 89) * 3, NOISE])
def test_too_few_runs_and_plain_noise_have_no_step(bob, server, lasted):
    updated(server, 3.5)

    told = ask(bob, days(server, lasted))

    assert rules(told) == []
    assert "Since" not in words(told)


def test_a_baseline_that_is_context_only_has_no_step():
    began = [BEGAN + timedelta(days=day) for day in range(len(STEP))]
    values = [Value(x, y, "run", f"{y} s", began[x]) for x, y in enumerate(STEP)]

    assert [one.index for one in steps_in(values, began, Baseline(Rung.EXACT))] == [7]
    assert steps_in(values, began, Baseline(Rung.FAMILY)) == []


@pytest.mark.parametrize(("lasted", "queries"), [(STEP, 7), (STEP[:7], 6)])
def test_only_a_step_asks_for_environments_and_once(bob, server, lasted, queries):
    run = days(server, lasted)

    with CaptureQueriesContext(connection) as asked:
        ask(bob, run)

    assert len(asked) == queries


def test_its_table_page_says_it_too(bob, server):
    run = days(server, STEP)

    html = bob.get(f"/teams/northlight/runs/{run.pk}/charts/duration/").content.decode()

    assert "such runs take 20% longer (n = 7 before, 6 after)." in html
    assert "from here on 20% longer" in html


def late(server, story, seed):
    """Return a run of an invented workload, the twelfth since the day of the regression.

    Its like runs are of its size: where they have to be scaled, a fifth may be the scaling.
    """
    options = {"runs": 400, "scenes": 2000, "days": 60, "until": UNTIL}
    call_command("make_history", team=server.team.slug, seed=seed, **options)
    runs = Run.objects.filter(story_id=story, gpu_model="RTX 3090", outcome="success")
    return runs.filter(began_at__gte=SPAN.regression_at).order_by("began_at")[11]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_invented_regression_is_dated_and_its_update_named(bob, server, seed):
    told = ask(bob, late(server, "story-harbor", seed))

    times = [datetime.fromisoformat(stop["at"]) for stop in told["stops"]]
    true = sum(at < SPAN.regression_at for at in times)
    ((place, label),) = rules(told)
    assert abs(place - true) <= 2
    assert label.endswith("% longer")
    assert "made-up-01, made-up-02: ComfyUI 0.3.64 → 0.33.0" in words(told)


def test_an_invented_workload_that_went_on_as_before_has_no_step(bob, server):
    assert rules(ask(bob, late(server, "story-lantern", 3))) == []
