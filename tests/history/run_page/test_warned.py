"""Scenes that ask for attention: by four conditions, alone where the address asks for them."""

import re
from typing import Any

import pytest
from django.test import Client

from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Run, Scene
from history.run_page.warned import warned_in
from telemetry.models import Server
from tests import cast
from tests.history.artifacts import NOW, as_bytes, iso, metadata, scene
from tests.history.run_page.test_page import page, ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> cast.Cast:
    return cast.make_cast()


@pytest.fixture
def server(people: cast.Cast) -> Server:
    return cast.make_server(people.northlight, name="kino-01")


@pytest.fixture
def bob(people: cast.Cast, client: Client) -> Client:
    client.force_login(people.bob)
    return client


def filed(people: cast.Cast, *scenes: dict[str, Any]) -> Run:
    (told,) = read(File("x", as_bytes(metadata(list(scenes)))), NOW)
    return Run.objects.get(pk=file_run(told, Into(people.northlight, NOW)).run_id)


def warned(run: Run) -> dict[str, list[str]]:
    scenes = list(Scene.objects.filter(run=run))
    names = {one.pk: one.external_id for one in scenes}
    return {names[pk]: why for pk, why in warned_in(run, scenes).items()}


CONDITIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"Warnings": ["Slow"]}, ["warnings"]),
    ({"Errors": ["No frames copied"]}, ["errors"]),
    ({"FrameCount": 24}, ["too few frames"]),
    ({"FrameCount": 25, "FrameFloor": 25}, []),
    ({"FrameCount": None, "Success": True}, []),
    ({"HistoryRetrieved": False}, ["not in ComfyUI's history"]),
    ({"HistoryRetrieved": None}, []),
    (
        {"Warnings": ["x"], "Errors": ["y"], "FrameCount": 2, "HistoryRetrieved": False},
        ["warnings", "errors", "too few frames", "not in ComfyUI's history"],
    ),
]


@pytest.mark.parametrize(("fields", "why"), CONDITIONS)
def test_a_scene_asks_for_attention_by_four_conditions(
    people: cast.Cast, fields: dict[str, Any], why: list[str]
) -> None:
    found = warned(filed(people, scene(**fields)))

    assert found == ({"scene-001": why} if why else {})


def test_the_history_is_that_of_the_attempt_that_decides(people: cast.Cast) -> None:
    tries = [
        {"Attempt": 1, "FrameCount": 2, "HistoryRetrieved": False, "Timestamp": iso(0)},
        {"Attempt": 2, "FrameCount": 25, "HistoryRetrieved": True, "Timestamp": iso(9)},
    ]
    good = scene(AttemptSummaries=tries, AttemptsRun=2, Requeued=True)

    assert warned(filed(people, good)) == {}


def test_what_was_only_watched_asks_where_it_failed_or_was_lost(server: Server) -> None:
    run = ran(server, "success", "failed", "lost", "cancelled")

    assert warned(run) == {"scene-002": ["errors"], "scene-003": ["not in ComfyUI's history"]}


def listed(html: str) -> list[str]:
    """Return the scenes of the table, in its order."""
    return re.findall(r'aria-label="Details of ([^"]*)"', html)


def test_the_page_shows_them_alone_where_its_address_asks(bob: Client, people: cast.Cast) -> None:
    run = filed(people, scene(1), scene(2, 130.0, Warnings=["Slow"]), scene(3, 260.0))

    whole, part = page(bob, run), page(bob, run, "?warnings=1")

    assert listed(whole) == ["scene-001", "scene-002", "scene-003"]
    assert listed(part) == ["scene-002"]
    for html, current in ((whole, "All"), (part, "Warnings only")):
        nav = html.split('aria-label="Which scenes"')[1].split("</nav>")[0]
        assert re.search(rf'aria-current="true"[^>]*>{current} <', nav)
        assert 'All <span class="count">3</span>' in nav
        assert 'Warnings only <span class="count">1</span>' in nav
    assert "<p>1 of 3 with warnings</p>" in part
    assert "<dt>Flagged for</dt><dd>warnings</dd>" in part
    assert f'data-refresh="/teams/northlight/runs/{run.pk}/record/?warnings=1"' in part


def test_the_open_page_keeps_to_them_as_it_follows(bob: Client, server: Server) -> None:
    run = ran(server, "success", "failed")

    address = f"/teams/northlight/runs/{run.pk}/record/"
    html = bob.get(address, {"warnings": "1"}).content.decode()

    assert listed(html) == ["scene-002"]
    assert "1 of 2 scenes completed: scene-002 failed." in html


def test_where_there_are_none_it_says_what_was_looked_for(bob: Client, server: Server) -> None:
    html = page(bob, ran(server, "success"), "?warnings=1")

    assert "No scene of it has a warning, an error, too few frames or a missing history." in html


@pytest.fixture
def _two_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("history.run_page.reading.SCENES", 2)
    monkeypatch.setattr("history.run_page.views.SCENES", 2)


@pytest.mark.usefixtures("_two_a_page")
def test_they_are_shown_in_pages_too(bob: Client, server: Server) -> None:
    run = ran(server, "failed", "success", "failed", "failed")

    html = page(bob, run, "?warnings=1&scene=2")

    assert listed(html) == ["scene-004"]
    assert "3 to 3 of 3 with warnings, 3 of the run with problems" in html
    assert 'href="?warnings=1#scenes-title">1 to 2<' in html
    assert '/record/?warnings=1&amp;scene=2"' in html


@pytest.mark.usefixtures("_two_a_page")
def test_problems_are_counted_in_the_whole_run(bob: Client, server: Server) -> None:
    html = page(bob, ran(server, "success", "success", "failed", "lost", "failed"))

    assert "<p>1 to 2 of 5, 3 of the run with problems</p>" in html


@pytest.mark.usefixtures("_two_a_page")
def test_fallback_warnings_are_those_of_the_whole_run(bob: Client, people: cast.Cast) -> None:
    def noted(number: int, *notes: str) -> dict[str, Any]:
        one = scene(number, 130.0 * number)
        return {**one, "Telemetry": {**one["Telemetry"], "System": {"FallbackNotes": [*notes]}}}

    run = filed(people, noted(1), noted(2), noted(3, "Forced copy after 3 checks"), noted(4))

    card = page(bob, run).split('id="fallback-title"')[1].split("</section>")[0]

    assert "Frames copied before they were done<small>scene-003 · " in card
    assert '<small class="why">Forced copy after 3 checks</small>' in card


@pytest.mark.usefixtures("_two_a_page")
def test_the_timeline_s_axis_is_that_of_the_whole_run(bob: Client, server: Server) -> None:
    run = ran(server, *["success"] * 6, lasted_s=90.0, gap_s=10.0)

    html = page(bob, run, "?scene=2")

    part = html.split('id="timeline-title"')[1].split("</section>")[0]
    assert "scenes 3 to 4 of 6; the axis is the whole run's" in part
    assert "In 10m 00s something was at work 90% of the time." in part
    places = [float(x) for x in re.findall(r'<rect class="exec" x="([\d.]+)%"', part)]
    assert places == [pytest.approx(35, abs=0.1), pytest.approx(51.7, abs=0.1)]
    assert '<a class="btn quiet small" href="?scene=4#timeline-title">5 to 6</a>' in part
    assert 'aria-current="page">3 to 4</a>' in part


@pytest.mark.usefixtures("_two_a_page")
def test_a_scene_of_a_later_page_has_its_findings(bob: Client, people: cast.Cast) -> None:
    bad = {**scene(3, 300.0), "FrameFloor": 24.6}
    many = [{**scene(n, 130.0 * n), "HistoryAttempts": "x"} for n in (1, 2)]
    run = filed(people, *many, bad)
    run.findings.filter(scene__external_id="scene-003").update(place=500)

    html = page(bob, run, "?scene=2")

    assert "24.6 has a fraction" in html.split('id="scenes-title"')[1].split("</section>")[0]


def test_an_attempt_whose_end_nobody_told_is_drawn_as_long_as_it_took(
    bob: Client, people: cast.Cast
) -> None:
    tries = [
        {"Attempt": 1, "FrameCount": 2, "Timestamp": iso(0), "DurationSeconds": 31.2},
        {"Attempt": 2, "FrameCount": 25, "Timestamp": iso(40), "DurationSeconds": 124.8},
    ]
    one = scene(1, 40.0, AttemptSummaries=tries, AttemptsRun=2, Requeued=True)

    part = page(bob, filed(people, one)).split('id="timeline-title"')[1]

    widths = [float(x) for x in re.findall(r'class="exec" x="[\d.]+%" width="([\d.]+)%"', part)]
    assert widths == [pytest.approx(18.9, abs=0.1), pytest.approx(75.7, abs=0.1)]
