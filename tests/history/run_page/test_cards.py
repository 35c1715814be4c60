"""The cards of a run's page: what they say of a figure against earlier runs, and what not."""

import re

import pytest

from history.models import Attempt, Run
from tests import cast
from tests.history.run_page.test_page import page, ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    people = cast.make_cast()
    server = cast.make_server(people.northlight, name="kino-01")
    cast.make_device(server, index=0, model="RTX 4090")
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    return server


@pytest.fixture
def viewer(server, client):
    client.force_login(server.team.memberships.get(user__username="bob").user)
    return client


def ended(signs):
    """Return outcomes of scenes: + completed, - failed."""
    return [{"+": "success", "-": "failed"}[sign] for sign in signs]


def card(client, run, title):
    """Return the text of a card, without its tags."""
    html = page(client, run).split(f"<h3>{title}</h3>")[1].split("</article>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("++-", "+--", "Too few scenes to tell"),
        ("++++-", "+++--", "A large difference, but not certain"),
        ("++-", "++-", "No significant change"),
    ],
)
def test_a_difference_that_may_be_chance_is_not_called_no_change(
    viewer, server, before, now, words
):
    for hour in range(5):
        ran(server, *ended(before), hours=-30 + hour)

    assert words in card(viewer, ran(server, *ended(now)), "Success rate")


def test_nothing_that_is_not_asserted_is_called_sure(viewer, server):
    for hour in range(5):
        ran(server, "success", "success", "failed", hours=-30 + hour)

    told = card(viewer, ran(server, "success", "failed", "failed"), "Success rate")

    assert "33.3 pt" in told
    assert "n = 5" in told
    assert not re.search("High|Medium|Low", told)


def test_scenes_of_which_nobody_knows_how_they_ended_lower_no_rate(viewer, server):
    ran(server, "success", "success", hours=-5)
    ran(server, "success", None, hours=-4)
    run = ran(server, "success", "success")
    Run.objects.update(work="w" * 64)

    assert "100% of 2 earlier scenes" in card(viewer, run, "Success rate")


def test_a_trend_that_is_unclear_is_not_called_sure(viewer, server):
    for hour in range(6):
        ran(
            server, "success", hours=-30 + hour, lasted_s=60 if hour < 4 else 200 - 130 * (hour - 4)
        )

    told = card(viewer, ran(server, "success", lasted_s=150), "Time of its scenes together")

    assert re.search(r"Unclear n = \d", re.sub(r" +", " ", told)), told


def test_a_scenes_trend_that_is_unclear_is_not_called_sure_anywhere(viewer, server):
    for hour in range(6):
        ran(
            server, "success", hours=-30 + hour, lasted_s=60 if hour < 4 else 200 - 130 * (hour - 4)
        )
    run = ran(server, "success", lasted_s=150)

    row = re.search(r'<tr id="scene-.*?</tr>', page(viewer, run), re.S)[0]
    head = page_of_scene(viewer, run)

    for told in (row, head):
        words = re.sub(r"<[^>]+>", " ", told).replace("\xa0", " ")
        assert re.search(r"Unclear\s+n = \d", words), words


def page_of_scene(client, run):
    scene = run.scenes.get()
    answer = client.get(f"/teams/northlight/runs/{run.pk}/scenes/{scene.pk}/")
    found = re.search(r'<section class="section-head".*?</section>', answer.content.decode(), re.S)
    return found[0]


def lines(client, run, title):
    """Return how many lines a card draws: a gap begins another."""
    html = page(client, run).split(f"<h3>{title}</h3>")[1].split("</article>")[0]
    return re.findall(r'<path d="([^"]*)"', html)[0].count("M")


def test_a_run_that_failed_interrupts_the_line_of_times(viewer, server):
    for hour, how in enumerate(["success", "success", "failed", "success"]):
        ran(server, how, hours=-30 + hour)

    assert lines(viewer, ran(server, "success"), "Time of its scenes together") == 2


def test_a_run_whose_memory_nobody_measured_interrupts_the_line(viewer, server):
    runs = [ran(server, "success", hours=-30 + hour) for hour in range(5)]
    runs.append(ran(server, "success"))
    for run in [*runs[:2], *runs[3:]]:
        cast.make_memory(Attempt.objects.get(scene__run=run), free_lowest_bytes=run.pk << 30)

    assert lines(viewer, runs[-1], "Lowest free VRAM") == 2


def test_the_time_says_how_many_seconds_the_percent_are(viewer, server):
    for hour in range(5):
        ran(server, "success", hours=-30 + hour, lasted_s=100)

    slower = card(viewer, ran(server, "success", lasted_s=105.9), "Time of its scenes together")
    faster = card(viewer, ran(server, "success", lasted_s=98), "Time of its scenes together")

    assert "+5.9 s, 5.9%" in slower
    assert "−2.0 s, 2.0%" in faster


def test_the_time_says_from_when_the_runs_are_that_it_is_set_against(viewer, server):
    before = [ran(server, "success", hours=-24 * day) for day in (9, 5, 2)]

    html = page(viewer, ran(server, "success"))

    told = html.split("<h3>Time of its scenes together</h3>")[1].split("</article>")[0]
    days = [f"{run.began_at:%-d %b}" for run in (before[0], before[-1])]
    assert "median 1m 30s, n = 3, <time" in told
    assert re.findall(r"data-day>([^<]*)</time>", told) == days


def test_runs_of_one_day_are_told_by_the_hour(viewer, server):
    for hour in range(3):
        ran(server, "success", hours=-6 + hour)

    told = card(viewer, ran(server, "success"), "Time of its scenes together")

    assert re.search(r"n = 3, \d+ \w+ \d\d:\d\d to \d+ \w+ \d\d:\d\d", told), told


def test_a_time_without_a_baseline_names_no_period(viewer, server):
    told = card(viewer, ran(server, "success"), "Time of its scenes together")

    assert "no baseline" in told
    assert not re.search(r"\bto\b", told.split("no baseline")[1])


def test_scenes_that_nothing_can_be_set_against_are_told(viewer, server):
    for hour in range(8):
        ran(server, "success", "success", hours=-30 + hour)

    told = card(viewer, ran(server, "success", "success", "failed"), "Scenes slower than usual")

    assert "0 of 2" in told
    assert "too few runs to tell; 1 without a baseline" in told
