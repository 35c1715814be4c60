"""history/settling.py: what follows for scenes and runs from their attempts."""

from collections import Counter
from datetime import timedelta
from hashlib import sha256
from itertools import combinations_with_replacement

import pytest
from django.db import connection, transaction

from history.failures.keeping import keep
from history.models import Attempt, Run, RunServer, Scene
from history.settling import note_servers, settle
from history.strip import outcome_of, status_of
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db
NOON = cast.NOON


@pytest.fixture
def server():
    return cast.make_server(cast.make_team("Northlight"))


@pytest.fixture
def run(server):
    return cast.make_run(server.team)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def ended(server, scene, outcome=Outcome.SUCCESS, began_s=0.0, duration_s=10.0, **fields):
    """Return an attempt that ended."""
    return cast.make_attempt(
        server,
        scene,
        status=Status.ENDED,
        outcome=outcome,
        submitted_at=at(began_s),
        started_at=at(began_s),
        ended_at=at(began_s + duration_s),
        duration_s=duration_s,
        **fields,
    )


def settled(row):
    scenes = Scene.objects.filter(run=row) if isinstance(row, Run) else [row]
    settle(scene.pk for scene in scenes)
    row.refresh_from_db()
    return row


def test_a_scene_is_as_its_newest_attempt_that_completed(server, run):
    scene = cast.make_scene(run)
    ended(server, scene, Outcome.FAILED, 0, 5.0)
    ended(server, scene, Outcome.SUCCESS, 10, 7.0, workload="w")
    ended(server, scene, Outcome.FAILED, 20, 9.0)

    settled(scene)

    assert (scene.outcome, scene.duration_s, scene.workload) == ("success", 7.0, "w")
    assert (scene.began_at, scene.ended_at, scene.server_id) == (at(10), at(17), server.pk)
    assert (scene.attempt_count, scene.open_count, scene.timed_by) == (3, 0, "comfyui")


def test_a_scene_that_none_completed_is_as_the_one_with_most_frames(server, run):
    scene = cast.make_scene(run, frame_floor=25)
    ended(server, scene, Outcome.PARTIAL, 0, frames=20)
    ended(server, scene, Outcome.PARTIAL, 10, frames=None)
    ended(server, scene, Outcome.PARTIAL, 20, frames=2)
    ended(server, scene, Outcome.FAILED, 30, frames=0)

    assert (settled(scene).outcome, scene.frames) == ("partial", 20)


def test_a_scene_without_any_of_those_is_as_the_newest(server, run):
    scene = cast.make_scene(run)
    ended(server, scene, Outcome.TIMEOUT, 50)
    ended(server, scene, Outcome.FAILED, 0)

    assert settled(scene).outcome == "timeout"


@pytest.mark.parametrize(
    ("frames", "outcome"), [(None, "success"), (0, "failed"), (24, "partial"), (25, "success")]
)
def test_fewer_frames_than_a_scene_needs_are_no_completion(server, run, frames, outcome):
    scene = cast.make_scene(run, frame_floor=25)
    ended(server, scene, Outcome.SUCCESS, frames=frames)

    assert settled(scene).outcome == outcome


def test_an_open_attempt_leaves_the_outcome_and_counts_as_open(server, run):
    scene = cast.make_scene(run)
    ended(server, scene, Outcome.FAILED)
    cast.make_attempt(server, scene, status=Status.RUNNING, seen_at=at(99))

    settled(run)
    scene.refresh_from_db()

    assert (scene.outcome, scene.open_count) == ("failed", 1)
    assert (run.outcome, run.ended_at, run.success_rate, run.open_count) == (None, None, None, 1)


def test_a_scene_has_the_model_of_its_servers_gpu_and_not_of_its_processor(server, run):
    cast.make_device(server, index=0, kind="cpu", model="cpu")
    cast.make_device(server, index=2, model="RTX 3090")
    cast.make_device(server, index=1, model="RTX 5090")
    scene = cast.make_scene(run, gpu_model="told by a file")
    ended(server, scene)

    assert (settled(scene).gpu_model, settled(run).gpu_model) == ("RTX 5090", "RTX 5090")


def test_a_scene_keeps_the_gpu_that_a_file_told_where_nobody_else_does(run):
    scene = cast.make_scene(run, gpu_model="RTX 3090")
    ended(None, scene, origin="file", timed_by="script")

    assert (settled(scene).gpu_model, scene.timed_by) == ("RTX 3090", "script")


def test_a_run_sums_up_its_scenes(server, run):
    for began_s, duration_s, workload in ((0, 10.5, "w"), (5, 30.25, "w"), (50, 9.25, "w")):
        ended(server, cast.make_scene(run), Outcome.SUCCESS, began_s, duration_s, workload=workload)
    retried = cast.make_scene(run)
    ended(server, retried, Outcome.FAILED, 60, 1)
    ended(server, retried, Outcome.FAILED, 70, 2, workload="w")

    settled(run)

    assert (run.outcome, run.scene_count, run.success_count, run.failed_count) == (
        *("partial", 4, 3, 1),
    )
    assert (run.attempt_count, run.retried_count, run.success_rate) == (5, 1, 0.75)
    assert run.work_s == pytest.approx(52.0)
    assert run.duration_s == pytest.approx(72.0, abs=0.001)
    assert (run.ended_at, run.workload) == (at(72), "w")


def test_a_run_lasted_from_its_first_attempt_on_though_that_failed(server, run):
    first, second = (cast.make_scene(run, external_id=name) for name in ("scene-1", "scene-2"))
    ended(server, first, Outcome.FAILED, 0, 300.0)
    ended(server, first, Outcome.SUCCESS, 600, 60.0)
    ended(server, second, Outcome.SUCCESS, 660, 60.0)

    settled(run)

    assert (run.duration_s, run.work_s) == (720.0, 120.0)
    assert run.ended_at == at(720)


def test_a_run_of_several_workloads_or_cards_tells_neither(server, run):
    for n in range(2):
        scene = cast.make_scene(run, gpu_model=f"card {n}")
        ended(server, scene, workload=f"w{n}")

    assert (settled(run).workload, run.gpu_model) == (None, None)


def test_the_work_of_a_run_is_that_of_its_scenes_in_their_order(server, run):
    for name, workload in (("scene-10", "c"), ("scene-2", "b"), ("scene-1", "a")):
        ended(server, cast.make_scene(run, external_id=name), workload=workload)

    assert settled(run).work == sha256(b"a,b,c").hexdigest()


def test_a_run_with_a_scene_of_unknown_work_is_of_unknown_work(server, run):
    for workload in ("w", None):
        ended(server, cast.make_scene(run), workload=workload)

    assert settled(run).work is None


def test_a_scene_began_when_it_was_started_and_tells_how_long_it_waited(server, run):
    scene = cast.make_scene(run)
    times = {"submitted_at": at(0), "started_at": at(4), "ended_at": at(9)}
    words = {"status": Status.ENDED, "outcome": Outcome.SUCCESS}
    cast.make_attempt(server, scene, waited_s=4.0, duration_s=5.0, **times, **words)

    settled(scene)

    assert (scene.began_at, scene.ended_at, scene.waited_s) == (at(4), at(9), 4.0)


def test_a_run_that_ended_before_it_began_has_no_duration(server, run):
    times = {"submitted_at": at(0), "started_at": at(0), "ended_at": at(-5)}
    words = {"status": Status.ENDED, "outcome": Outcome.SUCCESS}
    cast.make_attempt(server, cast.make_scene(run), **times, **words)

    assert (settled(run).duration_s, run.ended_at) == (None, at(-5))


def test_skipped_scenes_do_not_lower_the_success_rate(server, run):
    ended(server, cast.make_scene(run))
    cast.make_scene(run, outcome=Outcome.SKIPPED)

    assert (settled(run).success_rate, run.outcome, run.skipped_count) == (1.0, "success", 1)


def test_a_run_whose_scene_has_no_known_outcome_has_none_either(server, run):
    ended(server, cast.make_scene(run))
    ended(None, cast.make_scene(run), outcome=None)

    assert (settled(run).outcome, run.success_rate, run.success_count) == (None, None, 1)
    assert run.ended_at is not None


@pytest.mark.parametrize("told", list(combinations_with_replacement(Outcome, 2)))
def test_the_list_calls_a_run_what_the_wall_calls_it(server, run, told):
    for outcome in told:
        if outcome is Outcome.SKIPPED:
            cast.make_scene(run, outcome=outcome)
        else:
            ended(server, cast.make_scene(run), outcome)

    wall = outcome_of(Counter(status_of(outcome, False, False) for outcome in told))

    assert (settled(run).outcome or "").replace("success", "completed") == wall


def test_where_nobody_knows_a_scene_s_end_the_wall_calls_the_run_unknown_as_the_list_does(
    server, run
):
    ended(server, cast.make_scene(run))
    ended(None, cast.make_scene(run), outcome=None)

    wall = outcome_of(Counter(status_of(told, False, False) for told in ("success", None)))

    assert (settled(run).outcome, wall) == (None, "unknown")


def test_settling_again_changes_nothing(server, run):
    scene = cast.make_scene(run)
    ended(server, scene)
    settled(run)
    before = list(Run.objects.values()), list(Scene.objects.values())

    settled(run)

    assert (list(Run.objects.values()), list(Scene.objects.values())) == before


def test_it_touches_no_other_scene_or_run(server, run):
    other = cast.make_scene(cast.make_run(server.team))
    ended(server, other)
    ended(server, cast.make_scene(run))

    settled(run)

    other.refresh_from_db()
    assert (other.attempt_count, other.run.scene_count) == (0, 0)


def test_it_notes_each_server_of_a_run_once_and_follows_its_begin(server, run):
    scenes = [cast.make_scene(run) for _ in range(2)]
    second = cast.make_server(server.team)
    for one in (server, second, server):
        ended(one, scenes[0])
    ended(None, scenes[1])
    note_servers(scene.pk for scene in scenes)
    Run.objects.update(began_at=at(-99))

    note_servers(scene.pk for scene in scenes)

    told = RunServer.objects.order_by("server").values_list("server", "run", "began_at")
    assert list(told) == [(server.pk, run.pk, at(-99)), (second.pk, run.pk, at(-99))]


# --- Where the database takes its tables for empty ----------------------------------------------

TABLES = ("history_run", "history_scene", "history_attempt")


def many(server, scenes):
    """Make a run of so many scenes of a failed attempt each; return the ids of its scenes."""
    run = cast.make_run(server.team)
    new = [Scene(run=run, team=server.team, external_id=f"scene-{n}") for n in range(scenes)]
    rows = Scene.objects.bulk_create(new)
    told = {"server": server, "status": Status.ENDED, "outcome": Outcome.FAILED, "seen_at": NOON}
    Attempt.objects.bulk_create(Attempt(scene=row, prompt_id=f"p{row.pk}", **told) for row in rows)
    return [row.pk for row in rows]


def rows_read():
    """Return how many rows and entries this transaction has read of the three tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0))"
            " FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)",
            [list(TABLES)],
        )
        return int(cursor.fetchone()[0])


def forget_all(cursor):
    """Delete all, and vacuum so that pages stay: PostgreSQL then takes the tables for empty."""
    for table in ("history_runserver", *reversed(TABLES)):
        cursor.execute(f"DELETE FROM {table}")
    for table in TABLES:
        cursor.execute(f"VACUUM (TRUNCATE FALSE) {table}")


@pytest.mark.of_postgresql
@pytest.mark.django_db(transaction=True)
def test_it_reads_each_row_a_few_times_though_the_tables_are_taken_for_empty():
    server = cast.make_server(cast.make_team("Northlight"))
    many(server, 800)
    with connection.cursor() as cursor:
        forget_all(cursor)
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = ANY(%s)", [list(TABLES)])
        assert cursor.fetchall() == [(0.0,)] * 3

    with transaction.atomic():
        ids = many(server, 800)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '20s'")
        before = rows_read()
        settle(ids)
        note_servers(ids)
        keep(Attempt.objects.filter(scene__in=ids).values_list("pk", flat=True))
        read = rows_read() - before

    assert read < 20 * len(ids)
    assert Run.objects.get().failed_count == 800
