"""manage.py make_history: an invented history, and how it gets into the database."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from statistics import median

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction

from history.bulk import load, reserve
from history.failures.signature import FAILING
from history.invented import load as invented_load
from history.invented.apart import prepared_apart
from history.invented.farm import FAULTS, REGRESSION, SLOWER
from history.invented.rows import Place
from history.invented.runs import Inventor, Span
from history.models import Attempt, AttemptMemory, FailureFamily, Run, RunServer, Scene
from history.settling import settle
from telemetry.models import Environment, Server
from tests import cast

UNTIL = datetime(2026, 3, 4, tzinfo=UTC)
SPAN = Span.of(UNTIL, 60)


# All of a row but its ids, and the prompt's, which is made of them.
WHOLE_RUN = ("external_id", "submitter", "began_at", "outcome", "work_s", "success_rate", "work")
WHOLE_SCENE = ("external_id", "outcome", "began_at", "frames", "warmth", "position", "server__name")
WHOLE_ATTEMPT = (
    *("server__name", "attempt_number", "outcome", "outcome_grade", "reason", "submitted_at"),
    *("ended_at", "duration_s", "frames", "error_type", "error_message", "error_node"),
)


def invented(runs=400, scenes=4000, seed=7):
    return list(Inventor(runs, scenes, seed, SPAN).runs())


def attempts(runs):
    return [attempt for run in runs for scene in run.scenes for attempt in scene.attempts]


# --- What is invented ---------------------------------------------------------------------------


def test_the_same_seed_invents_the_same_and_another_something_else():
    assert invented(seed=7) == invented(seed=7)
    assert invented(seed=8)[0].scenes != invented(seed=7)[0].scenes


@pytest.mark.parametrize(("runs", "scenes"), [(1, 1), (1, 50), (100, 100), (400, 4000)])
def test_there_are_as_many_runs_and_scenes_as_are_asked_for(runs, scenes):
    told = invented(runs, scenes)

    assert (len(told), sum(len(run.scenes) for run in told)) == (runs, scenes)
    assert min(len(run.scenes) for run in told) >= 1


def test_runs_come_in_the_order_of_their_begin_within_the_span():
    begins = [run.began_at for run in invented()]

    assert begins == sorted(begins)
    assert SPAN.begin <= begins[0] <= begins[-1] < UNTIL


def test_people_work_by_day_and_less_at_weekends():
    runs = invented(2000, 2000)

    hours = Counter(run.began_at.hour for run in runs)
    weekend = sum(run.began_at.weekday() > 4 for run in runs) / len(runs)
    assert hours[9] > 4 * hours[2]
    assert 0.02 < weekend < 0.2


def test_one_workload_is_slower_from_a_known_day_on():
    lasted = {True: [], False: []}
    for run in invented(2000, 20_000):
        if run.workload is REGRESSION:
            for scene in run.scenes[1:]:
                one = scene.attempts[0]
                if one.outcome == "success":
                    late = one.started_at >= SPAN.regression_at
                    lasted[late].append(one.duration_s / run.machine.pace)

    assert median(lasted[True]) / median(lasted[False]) == pytest.approx(SLOWER, abs=0.02)


def test_failures_are_of_few_families_and_some_values_are_missing():
    told = attempts(invented())

    families = {one.fault.type for one in told if one.fault}
    assert families == {fault.type for fault in FAULTS}
    assert {one.outcome for one in told} >= {"success", "failed", "partial", "cancelled", "lost"}
    assert any(one.duration_s is None for one in told)
    assert any(one.free_bytes is None for one in told)
    assert any(not run.is_identified for run in invented())


def test_no_more_memory_is_free_than_there_is():
    for run in invented():
        for one in (a for scene in run.scenes for a in scene.attempts if a.free_bytes):
            assert 0 < min(one.free_bytes) <= max(one.free_bytes) <= run.machine.total_bytes


# --- How it is loaded ---------------------------------------------------------------------------


@pytest.fixture
def team(db):
    return cast.make_team("Northlight")


def make(**options):
    usual = {"runs": 60, "scenes": 600, "seed": 3, "days": 60, "until": UNTIL}
    call_command("make_history", **{**usual, **options})


def test_all_of_it_is_on_record(team):
    make()

    assert (Run.objects.count(), Scene.objects.count()) == (60, 600)
    assert Attempt.objects.count() >= 600
    assert (RunServer.objects.count(), AttemptMemory.objects.exists()) == (60, True)
    assert {scene.team_id for scene in Scene.objects.all()} == {team.pk}


def test_its_sums_are_those_that_follow_from_its_attempts(team):
    # In this one a run's first scene was tried again.
    make(seed=5)
    before = sums()

    settle(Scene.objects.values_list("pk", flat=True))

    assert sums() == before


def sums():
    """Return all of runs and scenes; floats to the millisecond, as the databases reckon them."""
    return [
        [
            {key: round(v, 3) if isinstance(v, float) else v for key, v in row.items()}
            # Its runs overlap on their servers, and are cold by decree all the same.
            for row in model.objects.order_by("pk").values()
            if row.pop("warmth", True)
        ]
        for model in (Run, Scene)
    ]


def test_its_failures_are_in_families(team):
    make()

    failing = Attempt.objects.filter(outcome__in=FAILING).count()
    families = FailureFamily.objects.all()
    assert sum(family.count for family in families) == failing > 0
    assert "CUDA out of memory" in {family.pattern for family in families}


def test_rows_that_come_later_have_ids_of_their_own(team):
    make()

    server = Server.objects.first()
    assert server is not None
    attempt = cast.make_attempt(server)

    assert attempt.pk > max(Attempt.objects.exclude(pk=attempt.pk).values_list("pk", flat=True))


def test_a_second_seed_goes_beside_the_first_and_the_same_is_refused(team):
    make(seed=3)
    make(seed=4)

    with pytest.raises(CommandError, match="seed 3 already"):
        make(seed=3)
    assert Run.objects.count() == 120
    assert Server.objects.count() == 4


def test_nobody_follows_the_invented_servers(team):
    make()

    assert not Server.objects.watched().exists()
    assert Environment.objects.filter(since=SPAN.regression_at).count() == 4


def test_it_tells_the_day_of_the_regression_and_how_much_it_loaded(team, capsys):
    make()

    told = capsys.readouterr().out
    assert "Loaded 60 runs with 600 scenes" in told
    assert f'From {SPAN.regression_at:%Y-%m-%d} 00:00 UTC on scenes of "Harbor"' in told


@pytest.mark.parametrize("options", [{"runs": 0}, {"runs": 9, "scenes": 8}, {"days": 0}])
def test_it_refuses_numbers_that_cannot_be(team, options):
    with pytest.raises(CommandError, match="Write"):
        make(**options)


def loaded(team, part, apart, monkeypatch):
    """Return what was loaded in so large parts, by a process of its own from so many of them."""
    monkeypatch.setattr(invented_load, "PART", part)
    monkeypatch.setattr(invented_load, "APART", apart)
    make(runs=50, team=team.slug)
    runs = Run.objects.filter(team=team).order_by("began_at").values_list(*WHOLE_RUN)
    scenes = Scene.objects.filter(team=team).order_by("run__began_at", "position")
    attempts = Attempt.objects.filter(scene__team=team).order_by("pk")
    memory = AttemptMemory.objects.filter(attempt__scene__team=team).order_by("attempt")
    return [
        list(runs),
        list(scenes.values_list(*WHOLE_SCENE)),
        list(attempts.values_list(*WHOLE_ATTEMPT)),
        list(memory.values_list("name", "free_lowest_bytes")),
        FailureFamily.objects.filter(team=team).count(),
    ]


@pytest.mark.of_postgresql
def test_what_another_process_prepares_is_what_this_one_would_have_loaded(team, monkeypatch):
    other = cast.make_team("Southdark")

    here, apart = loaded(team, 20, 9, monkeypatch), loaded(other, 20, 2, monkeypatch)

    assert apart == here
    assert len(here[0]) == 50


def test_where_the_process_that_invents_ends_early_that_is_said(team):
    nowhere = Place(team.pk, {}, 3)

    with pytest.raises(RuntimeError, match="process that invents runs ended with status 1"):
        list(prepared_apart(Inventor(9, 90, 3, SPAN), nowhere, 5, lambda wanted: wanted))


def test_bulk_rows_arrive_as_they_are(team):
    names = ["a\tb", "a\nb", "a\\b", "\\N", "ä🚢'\"", "a\rb"]
    with transaction.atomic():
        first = reserve(Run, len(names))
        columns = ("id", "team", "source", "external_id", "story_id", "began_at", "touched_at")
        rows = [(first + n, team.pk, "x", name, None, UNTIL, UNTIL) for n, name in enumerate(names)]
        loaded = load(Run, columns, rows)

    assert loaded == len(names)
    told = Run.objects.order_by("pk").values_list("external_id", "story_id", "began_at")
    assert list(told) == [(name, None, UNTIL) for name in names]


def test_it_says_where_the_history_can_be_seen(team, capsys):
    make()

    assert f"/teams/{team.slug}/runs/" in capsys.readouterr().out


def test_before_the_first_start_it_says_what_makes_the_database(tmp_path):
    command = [sys.executable, "manage.py", "make_history", "--runs", "5"]
    known = {k: v for k, v in os.environ.items() if not k.startswith("SCENEWATCH_")}
    env = {**known, "SCENEWATCH_DATA_DIR": str(tmp_path)}

    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert 'run "python3 manage.py serve --demo"' in done.stderr
    assert "Traceback" not in done.stderr
