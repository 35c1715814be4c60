"""What the wall says of all servers together, read from the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import overview as overview_module
from history.models import Attempt, Run
from history.overview import Overviews, database_now
from history.settling import settle
from telemetry.models import Server, Team
from telemetry.overview import Overview, RunRow, Tile
from tests.cast import make_attempt, make_run, make_scene, make_server, make_team

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-03-04T14:30:00+00:00")


def ago(seconds: float) -> datetime:
    """Return the time so many seconds before the tests' now."""
    return AT - timedelta(seconds=seconds)


@pytest.fixture
def team() -> Team:
    """Return the team that is looked at."""
    return make_team("Northlight")


@pytest.fixture
def server(team: Team) -> Server:
    """Return one of its servers."""
    return make_server(team, name="kino-01")


def read(team: Team, at: datetime = AT) -> Overview:
    """Return the team's overview, read for the first time."""
    return Overviews().overview(team.pk, at)


def tile(told: Overview, key: str) -> Tile:
    """Return one of the tiles."""
    return next(tile for tile in told.tiles if tile.key == key)


def only_run(told: Overview) -> RunRow:
    """Return the one run that is shown."""
    [row] = told.runs
    return row


def running(server: Server, scene: Any = None, **fields: Any) -> Attempt:
    """Return an attempt at work for ten seconds."""
    usual = {"status": "running", "started_at": ago(10), "submitted_at": ago(20), "workload": "w"}
    return make_attempt(server, scene, **{**usual, **fields})


def queued(server: Server, scene: Any = None, **fields: Any) -> Attempt:
    """Return an attempt that waits."""
    usual = {"status": "queued", "submitted_at": ago(20), "workload": "w"}
    return make_attempt(server, scene, **{**usual, **fields})


def ended(
    server: Server,
    scene: Any = None,
    before_s: float = 600,
    outcome: str = "success",
    **fields: Any,
) -> Attempt:
    """Return an attempt of 30 s that ended, and its scene with it."""
    times = {"started_at": ago(before_s + 30), "ended_at": ago(before_s), "duration_s": 30.0}
    usual = {"status": "ended", "outcome": outcome, "workload": "w", **times}
    attempt = make_attempt(server, scene, **{**usual, **fields})
    attempt.scene.outcome = outcome
    attempt.scene.save()
    return attempt


def batch(team: Team, *names: str, **fields: Any) -> tuple[Run, list[Any]]:
    """Return a run with scenes of these names."""
    run = make_run(team, **{"external_id": "run-1842", "story_id": "Harbor at Dusk", **fields})
    return run, [make_scene(run, external_id=name) for name in names]


def test_it_says_what_is_at_work_and_what_waits(team: Team, server: Server) -> None:
    make_server(team)
    running(server)
    queued(server)
    queued(server)

    told = read(team)

    assert tile(told, "runs").value == "1"
    assert tile(told, "queue").value == "2"
    assert (tile(told, "servers").value, tile(told, "servers").unit) == ("1", "of 2")


def test_it_knows_nothing_of_other_teams(team: Team) -> None:
    other = make_server(make_team("Southdark"))
    running(other)
    ended(other, before_s=10)

    told = read(team)

    assert told.runs == ()
    assert {tile(told, key).value for key in ("runs", "queue", "scenes")} == {"0"}


def test_it_leaves_out_servers_that_are_not_watched(team: Team) -> None:
    running(make_server(team, enabled=False))

    assert read(team).runs == ()


def test_scenes_of_the_last_day_count_once_however_many_attempts(
    team: Team, server: Server
) -> None:
    _, [scene] = batch(team, "scene-001")
    ended(server, scene, outcome="failed")
    ended(server, scene)
    ended(server, before_s=25 * 3600)

    told = read(team)

    assert tile(told, "scenes").value == "1"
    assert tile(told, "rate").value == "100.0%"


def test_skipped_scenes_do_not_count_for_the_success_rate(team: Team, server: Server) -> None:
    ended(server)
    ended(server)
    ended(server, outcome="failed")
    ended(server, outcome="skipped")

    rate = tile(read(team), "rate")

    assert rate.value == "66.7%"
    assert rate.title == "2 of 3 scenes in 24 hours completed"


def test_a_rate_of_nothing_is_unknown_and_not_zero(team: Team, server: Server) -> None:
    rate = tile(read(team), "rate")

    assert (rate.value, rate.trend) == ("–", None)


def test_the_bars_are_the_twelfths_of_the_last_day(team: Team, server: Server) -> None:
    ended(server, before_s=60)
    ended(server, before_s=120)
    ended(server, before_s=23.5 * 3600)

    bars = tile(read(team), "scenes").bars

    assert [bar.height for bar in bars] == ["50.0%", *["0.0%"] * 10, "100.0%"]


def test_a_run_is_shown_with_its_strip_and_what_is_done(team: Team, server: Server) -> None:
    run, scenes = batch(team, "scene-10", "scene-2", "scene-1", "scene-3", submitter="mira")
    ended(server, scenes[2])
    ended(server, scenes[1], outcome="failed")
    running(server, scenes[3])
    queued(server, scenes[0])

    row = only_run(read(team))

    assert (row.pk, row.name, row.of, row.submitter) == (
        run.pk,
        "Harbor at Dusk",
        "run-1842",
        "mira",
    )
    assert [(cell.status, cell.letter) for cell in row.cells] == [
        ("completed", ""),
        ("failed", "F"),
        ("executing", "R"),
        ("queued", ""),
    ]
    assert row.strip == "4 scenes: 1 completed, 1 failed, 1 executing, 1 queued"
    assert row.done == "1 of 4, 1 failed"
    assert row.where == "on kino-01"


def test_a_scene_whose_end_nobody_knows_does_not_wait(team: Team, server: Server) -> None:
    _, scenes = batch(team, "scene-1", "scene-2", "scene-3")
    running(server, scenes[0])
    make_attempt(server, scenes[1], status="ended")
    settle([scenes[0].pk, scenes[1].pk])

    row = only_run(read(team))

    assert row.strip == "3 scenes: 1 unknown, 1 executing, 1 queued"
    assert row.done == "0 of 3, 1 unknown"


def test_a_scene_that_is_tried_again_is_at_work(team: Team, server: Server) -> None:
    _, [scene] = batch(team, "scene-001")
    ended(server, scene, outcome="failed")
    running(server, scene)

    assert [cell.status for cell in only_run(read(team)).cells] == ["executing"]


def test_a_prompt_of_its_own_is_a_run_of_one_scene(team: Team, server: Server) -> None:
    run = make_run(team, source="prompt")
    scene = make_scene(run, external_id="9f6b2c41-5d5e")
    running(server, scene, prompt_id="9f6b2c41-5d5e")

    assert only_run(read(team)).name == "Prompt 9f6b2c41"


def test_a_batch_is_shown_while_it_only_waits_a_lone_prompt_is_not(
    team: Team, server: Server
) -> None:
    _, scenes = batch(team, "scene-001", "scene-002")
    queued(server, scenes[0])
    queued(server, make_scene(make_run(team, source="prompt")))

    row = only_run(read(team))

    assert (row.name, row.status) == ("Harbor at Dusk", "queued")


def test_an_ended_run_stays_for_a_minute(team: Team, server: Server) -> None:
    _, [scene] = batch(team, "scene-001")
    ended(server, scene, before_s=20)

    told = read(team)

    row = only_run(told)
    assert (row.status, row.label, row.ended_at) == ("completed", "Completed", ago(20))
    assert told.due_at == AT + timedelta(seconds=40)
    assert read(team, told.due_at).runs == ()


def test_what_was_found_later_did_not_just_end(team: Team, server: Server) -> None:
    ended(server, before_s=20, found_later=True)

    assert read(team).runs == ()


def test_a_run_with_mixed_ends_ended_in_part(team: Team, server: Server) -> None:
    _, scenes = batch(team, "scene-001", "scene-002")
    ended(server, scenes[0], before_s=30)
    ended(server, scenes[1], before_s=20, outcome="failed")

    assert only_run(read(team)).status == "partial"


def test_a_run_should_end_when_the_last_of_its_prompts_does(team: Team, server: Server) -> None:
    for before_s in (1000, 2000, 3000):
        ended(server, before_s=before_s)
    _, scenes = batch(team, "scene-001", "scene-002")
    running(server, scenes[0])
    queued(server, scenes[1], number=2)
    other = queued(server, number=1)

    told = read(team)

    first = next(row for row in told.runs if row.pk != other.scene.run_id)
    assert first.eta.at == AT + timedelta(seconds=20 + 30 + 30)
    assert tile(told, "clears").clock == EtaOf(first.eta.at)


class EtaOf:
    """Whatever has this time as its middle."""

    def __init__(self, at: datetime | None) -> None:
        self.at = at

    def __eq__(self, other: object) -> bool:
        return getattr(other, "at", None) == self.at


def test_without_earlier_prompts_of_a_kind_nobody_can_tell_the_end(
    team: Team, server: Server
) -> None:
    _, [scene] = batch(team, "scene-001")
    running(server, scene)
    queued(server, scene)

    told = read(team)

    assert only_run(told).eta.at is None
    clock = tile(told, "clears").clock
    assert clock is not None
    assert (clock.at, clock.note) == (None, "2 prompts of unknown length")


def test_it_is_due_when_a_prompt_takes_longer_than_all_before(team: Team, server: Server) -> None:
    ended(server, before_s=1000)
    running(server)

    assert read(team).due_at == AT + timedelta(seconds=20)
    assert only_run(read(team, AT + timedelta(seconds=21))).eta.at is None


def test_it_is_never_due_while_nothing_goes_on(team: Team, server: Server) -> None:
    ended(server)

    assert read(team).due_at is None


def test_too_many_runs_are_counted_and_those_at_work_shown(team: Team, server: Server) -> None:
    for number in range(25):
        _, [scene] = batch(team, "scene-001", external_id=f"run-{number}")
        queued(server, scene)
    _, [scene] = batch(team, "scene-001", external_id="at-work")
    running(server, scene)

    told = read(team)

    assert len(told.runs) == 20
    assert told.more == "and 6 more runs"
    assert told.runs[-1].of == "at-work"


def test_a_very_long_run_is_told_in_numbers(team: Team, server: Server, monkeypatch: Any) -> None:
    monkeypatch.setattr("history.active_runs.STRIP_LIMIT", 2)
    _, scenes = batch(team, "scene-001", "scene-002", "scene-003")
    ended(server, scenes[0])
    running(server, scenes[1])

    row = only_run(read(team))

    assert row.cells == ()
    assert row.strip == "3 scenes: 1 completed, 1 executing, 1 queued"


def days_before(server: Server, days: range, minutes: float = 30, count: int = 1) -> None:
    """Record a prompt at work at this hour, `minutes` long, on each of these days."""
    for day in days:
        ended(server, before_s=day * 86_400 + 7200)
        for _ in range(count):
            begun = AT - timedelta(days=day, minutes=minutes / 2)
            ended(
                server,
                started_at=begun,
                submitted_at=begun,
                ended_at=begun + timedelta(minutes=minutes),
            )


def test_there_is_no_usual_before_four_days(team: Team, server: Server) -> None:
    days_before(server, range(1, 4))
    running(server)

    trend = tile(read(team), "runs").trend

    assert trend is not None
    assert (trend.icon, trend.note) == ("", "no usual yet")
    assert trend.title == "no usual yet: 3 of the 4 days needed are on record"


def test_a_number_is_compared_with_the_same_hour_of_the_days_before(
    team: Team, server: Server
) -> None:
    days_before(server, range(1, 6))
    for _ in range(3):
        running(server)

    trend = tile(read(team), "runs").trend

    assert trend is not None
    assert (trend.icon, trend.words, trend.note) == ("t-up", "2", "more than usual")
    assert trend.title == "usual at this hour: 1, the median of 5 days"


def test_what_is_within_the_usual_has_no_tone(team: Team, server: Server) -> None:
    days_before(server, range(1, 6))
    running(server)

    trend = tile(read(team), "runs").trend

    assert trend is not None
    assert (trend.icon, trend.words, trend.tone) == ("t-flat", "as usual", "")


def test_a_lower_success_rate_is_bad(team: Team, server: Server) -> None:
    days_before(server, range(1, 6))
    ended(server)
    ended(server, outcome="failed")

    trend = tile(read(team), "rate").trend

    assert trend is not None
    assert (trend.icon, trend.words, trend.tone) == ("t-down", "33.3\u00a0pt", "bad")


def test_the_last_day_is_read_again_only_where_that_is_cheap(
    team: Team, server: Server, monkeypatch: Any
) -> None:
    clock = iter([0.0, 0.05])
    monkeypatch.setattr(overview_module.time, "perf_counter", lambda: next(clock))
    overviews = Overviews()
    overviews.overview(team.pk, AT)
    ended(server, before_s=-1)

    told = overviews.overview(team.pk, AT + timedelta(seconds=2))

    assert tile(told, "scenes").value == "0"
    assert told.due_at == AT + timedelta(seconds=10)


def test_what_is_usual_is_read_once_an_hour(team: Team, server: Server) -> None:
    overviews = Overviews()
    overviews.overview(team.pk, AT)

    with CaptureQueriesContext(connection) as asked:
        overviews.overview(team.pk, AT + timedelta(seconds=2))

    assert len(asked) < 12


def test_how_long_a_workload_takes_is_asked_once_a_minute(team: Team, server: Server) -> None:
    ended(server, before_s=1000)
    running(server, started_at=AT)
    overviews = Overviews()
    overviews.overview(team.pk, AT)
    Attempt.objects.filter(status="ended").update(duration_s=90)

    soon = only_run(overviews.overview(team.pk, AT + timedelta(seconds=2)))
    later = only_run(overviews.overview(team.pk, AT + timedelta(seconds=61)))

    assert soon.eta.at == AT + timedelta(seconds=30)
    assert later.eta.at == AT + timedelta(seconds=90)


def test_its_time_is_that_of_the_database(team: Team) -> None:
    before = database_now()

    told = Overviews().read(team.pk)

    assert before <= told.read_at <= database_now()
