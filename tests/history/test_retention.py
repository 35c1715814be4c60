"""history/retention.py, purge.py, preview.py: what goes for its age, how, and what never does."""

import contextlib
import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from history import retention, turn
from history.failures.keeping import keep
from history.models import (
    ActivityEvent,
    Attempt,
    FailureDecision,
    FailureFamily,
    GpuSample,
    Graph,
    NodeExecution,
    PollLog,
    PurgeState,
    Run,
    RunRevision,
    RunWatch,
    Scene,
    Workload,
)
from history.pace import AIM_S, LARGEST, RETRY_DELAYS_S, SMALLEST, Pace
from history.preview import count
from history.purge import Purge, Stopped, contents
from history.tally import Tally
from telemetry.models import AuditEntry, BlindWindow, Lease
from telemetry.words import Status
from tests import cast

pytestmark = pytest.mark.django_db
NOW = cast.NOON
CUT = NOW - timedelta(days=30)
OLDER, YOUNGER = CUT - timedelta(microseconds=1), CUT
ALL = dict.fromkeys(retention.RULES, 30)


@pytest.fixture
def server():
    return cast.make_server(cast.make_team("Northlight"))


def an_end(server, at, **fields):
    """Return an attempt that ended then, in a run that nobody touched since."""
    run = cast.make_run(server.team, touched_at=at)
    return an_end_of(server, cast.make_scene(run), at, **fields)


def an_end_of(server, scene, at, **fields):
    ended = {"status": Status.ENDED, "outcome": "success", "ended_at": at, "seen_at": at}
    return cast.make_attempt(server, scene, **{**ended, **fields})


def furnished(server, at, nodes=2):
    attempt = an_end(server, at)
    cast.make_graph(attempt)
    for _ in range(nodes):
        cast.make_node(attempt)
    cast.make_activity(server, attempt=attempt, at=at)
    cast.make_blind_window(server, ended_at=at)
    return attempt


def due(*only):
    return retention.due(NOW, only or retention.RULES, ALL)


def a_purge(*only, largest=LARGEST, **more):
    held = turn.take()
    assert held is not None
    return Purge(due(*only), held, pace=Pace(largest, pause=lambda seconds: None), **more)


def gains(tally):
    return {line.what: line.rows for line in tally.lines.values() if line.rows}


def purged(*only, largest=LARGEST):
    """Purge to the end; return how many rows went, by line."""
    work = a_purge(*only, largest=largest)
    work.run()
    work.turn.give_back(NOW)
    return gains(work.tally)


def previewed(*only, size=LARGEST):
    tally = Tally()
    count(due(*only), tally, size)
    return gains(tally)


def sampled(server, at, span_s):
    """Return a sample of a device that has none yet."""
    return cast.make_gpu_sample(server, at=at, span_s=span_s, index=GpuSample.objects.count())


def superseded(server, at):
    """Return a revision that is not in force any more."""
    run = cast.make_run(server.team, revision=10**6)
    return cast.make_revision(run, at=at)


def decided(server, at):
    """Return a decision about a family that is not due."""
    return cast.make_decision(cast.make_failure(server.team), at=at)


def deleted(server, at, **fields):
    """Return an attempt of a run that was deleted then, and is not old."""
    attempt = an_end(server, NOW, **fields)
    Run.objects.filter(pk=attempt.scene.run_id).update(deleted_at=at)
    return attempt


ROWS = {
    "activity": (ActivityEvent, lambda server, at: cast.make_activity(server, at=at)),
    "nodes": (NodeExecution, lambda server, at: cast.make_node(an_end(server, at))),
    "graphs": (Graph, lambda server, at: cast.make_graph(an_end(server, at))),
    "poll-logs": (
        PollLog,
        lambda server, at: cast.make_poll_log(cast.make_attempt(server), filed_at=at),
    ),
    "revisions": (RunRevision, lambda server, at: superseded(server, at)),
    "gpu-samples": (GpuSample, lambda server, at: sampled(server, at, 10)),
    "gpu-minutes": (GpuSample, lambda server, at: sampled(server, at, 60)),
    "gpu-hours": (GpuSample, lambda server, at: sampled(server, at, 3600)),
    "blind-windows": (BlindWindow, lambda server, at: cast.make_blind_window(server, ended_at=at)),
    "audit": (AuditEntry, lambda server, at: cast.make_audit(server, at=at)),
    "workloads": (
        Workload,
        lambda server, at: cast.make_workload(uuid4().hex, first_seen_at=at),
    ),
    "decisions": (FailureDecision, lambda server, at: decided(server, at)),
    "failures": (
        FailureFamily,
        lambda server, at: cast.make_failure(server.team, last_seen_at=at),
    ),
    "runs": (Run, lambda server, at: an_end(server, at).scene.run),
    "deleted-runs": (Scene, lambda server, at: deleted(server, at).scene),
}


@pytest.mark.parametrize("what", retention.RULES)
def test_it_deletes_what_is_older_than_its_days_and_not_what_is_exactly_as_old(server, what):
    model, make = ROWS[what]
    make(server, OLDER)
    young = make(server, YOUNGER)

    assert purged(what)[what] == 1

    assert [row.pk for row in model.objects.all()] == [young.pk]


def test_it_keeps_for_ever_what_has_no_days(settings):
    settings.KEEP_DAYS = {**ALL, "runs": 0, "graphs": 0}

    assert [one.rule.what for one in retention.due(NOW)] == [
        "activity",
        "nodes",
        "poll-logs",
        "revisions",
        "gpu-samples",
        "gpu-minutes",
        "gpu-hours",
        "blind-windows",
        "audit",
        "workloads",
        "decisions",
        "failures",
        "deleted-runs",
    ]


def test_it_keeps_runs_for_ever_unless_told_otherwise(settings):
    assert settings.KEEP_DAYS == {
        "activity": 30,
        "nodes": 90,
        "graphs": 30,
        "poll-logs": 365,
        "revisions": 90,
        "gpu-samples": 30,
        "gpu-minutes": 180,
        "gpu-hours": 1095,
        "blind-windows": 365,
        "audit": 365,
        "workloads": 90,
        "decisions": 365,
        "failures": 365,
        "runs": 0,
        "deleted-runs": 30,
    }


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_it_never_deletes_an_open_attempt_nor_its_run_and_rows(server, status):
    attempt = furnished(server, OLDER)
    Attempt.objects.filter(pk=attempt.pk).update(status=status, outcome=None, ended_at=None)

    assert purged("runs", "nodes", "graphs") == {}

    assert Run.objects.count() == Scene.objects.count() == Attempt.objects.count() == 1
    assert (Graph.objects.count(), NodeExecution.objects.count()) == (1, 2)


def test_it_keeps_a_run_of_which_one_attempt_is_still_open(server):
    scene = an_end(server, OLDER).scene
    cast.make_attempt(server, cast.make_scene(scene.run), seen_at=OLDER)

    assert purged("runs") == {}


def test_it_keeps_a_run_of_which_one_attempt_ended_lately(server):
    scene = an_end(server, OLDER).scene
    an_end_of(server, scene, YOUNGER)

    assert purged("runs") == {}


def test_it_keeps_a_run_that_was_touched_lately(server):
    scene = an_end(server, OLDER).scene
    Run.objects.filter(pk=scene.run_id).update(touched_at=YOUNGER)

    assert purged("runs") == {}


def test_it_takes_an_end_without_a_time_as_old_as_its_first_sight(server):
    for at in (OLDER, YOUNGER):
        cast.make_graph(an_end(server, at, ended_at=None, seen_at=at))

    assert purged("graphs") == {"graphs": 1}


def test_it_deletes_nodes_from_the_cache_too_which_have_no_times(server):
    cast.make_node(an_end(server, OLDER), cached=True, started_at=None)

    assert purged("nodes") == {"nodes": 1}


def test_it_keeps_a_family_of_failures_that_something_on_record_speaks_of(server):
    families = [cast.make_failure(server.team, last_seen_at=OLDER) for _ in range(3)]
    cast.make_occurrence(families[0], an_end(server, YOUNGER))
    cast.make_decision(families[1], at=YOUNGER)

    assert purged("failures") == {"failures": 1}
    assert list(FailureFamily.objects.order_by("pk")) == families[:2]


def test_a_family_goes_on_counting_failures_that_were_deleted(server):
    attempt = an_end(server, OLDER, outcome="failed")
    with transaction.atomic():
        keep([attempt.pk])

    assert purged("runs")["runs: failure occurrences"] == 1
    assert FailureFamily.objects.get().count == 1


def test_it_keeps_a_time_without_watching_that_goes_on(server):
    cast.make_blind_window(server, began_at=OLDER - timedelta(days=300))

    assert purged("blind-windows") == {}


def test_it_deletes_a_run_with_all_that_is_its_own(server):
    furnished(server, OLDER)
    kept = furnished(server, YOUNGER)

    assert purged("runs") == {
        "runs": 1,
        "runs: scenes": 1,
        "runs: attempts": 1,
        "runs: node executions": 2,
        "runs: graphs": 1,
        "runs: activity events": 1,
    }
    assert Attempt.objects.get() == kept
    assert (Graph.objects.count(), NodeExecution.objects.count()) == (1, 2)
    assert ActivityEvent.objects.get().attempt == kept


def test_it_knows_every_table_that_hangs_on_a_run():
    """One that is not known would make the deletion of its attempt fail."""
    below_attempts = {model for model, _ in contents()}

    below_runs = {model for model, _ in contents(Run)} | {Scene}
    below_scenes = {model for model, _ in contents(Scene)} | {Attempt}
    assert {relation.related_model for relation in Attempt._meta.related_objects} == below_attempts
    assert {relation.related_model for relation in Run._meta.related_objects} == below_runs
    for relation in Scene._meta.related_objects:
        assert relation.related_model in below_scenes | below_attempts | below_runs
    for model in (below_attempts | below_runs | below_scenes) - {Attempt, Scene}:
        assert not model._meta.related_objects, model


def test_it_keeps_the_revision_in_force_however_old_it_is(server):
    run = cast.make_run(server.team, revision=7)
    in_force = cast.make_revision(run, number=7, at=OLDER)
    cast.make_revision(run, number=6, at=OLDER)

    assert purged("revisions") == {"revisions": 1}

    assert RunRevision.objects.get() == in_force


def test_it_deletes_gpu_samples_by_their_span_alone(server):
    for span_s in (10, 60, 3600):
        cast.make_gpu_sample(server, at=OLDER, span_s=span_s)

    assert purged("gpu-minutes") == {"gpu-minutes": 1}

    assert sorted(GpuSample.objects.values_list("span_s", flat=True)) == [10, 3600]


def test_what_files_told_of_a_run_goes_with_it(server):
    attempt, kept = an_end(server, OLDER), an_end(server, YOUNGER)
    for one in (attempt, kept):
        run = one.scene.run
        filed = (
            *(cast.make_script_report(one), cast.make_poll_log(one), cast.make_note(one)),
            *(cast.make_scene_report(one.scene), cast.make_run_report(run)),
            *(cast.make_revision(run), cast.make_finding(run, scene=one.scene)),
            cast.make_run_server(run, server),
        )
    models = {type(row) for row in filed}

    told = previewed("runs")

    assert len(told) == len(models) + 3
    assert told == purged("runs")
    assert {model.objects.count() for model in models} == {1}


@pytest.mark.parametrize("size", [1, 2, LARGEST])
@pytest.mark.parametrize(
    "only",
    [
        (),
        ("runs",),
        ("activity", "runs"),
        ("nodes", "graphs"),
        ("nodes", "runs"),
        ("deleted-runs",),
        ("runs", "deleted-runs"),
    ],
)
def test_a_preview_counts_exactly_what_then_goes(server, only, size):
    scene = furnished(server, OLDER).scene
    an_end_of(server, scene, OLDER - timedelta(days=9))
    cast.make_activity(server, attempt=furnished(server, OLDER), at=NOW)
    for attempt in (furnished(server, OLDER), furnished(server, YOUNGER), deleted(server, OLDER)):
        Run.objects.filter(pk=attempt.scene.run_id).update(deleted_at=OLDER)
    for at in (OLDER, OLDER, YOUNGER, NOW):
        furnished(server, at)

    told = previewed(*only, size=size)

    assert told
    assert told == purged(*only, largest=size)


def test_a_preview_changes_nothing(server):
    furnished(server, OLDER)

    with CaptureQueriesContext(connection) as queries:
        previewed()

    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


def test_bells_go_with_their_run_or_attempt(server):
    old, young = furnished(server, OLDER), furnished(server, YOUNGER)
    person = cast.make_user("mira")
    for attempt in (old, young):
        cast.make_watch(person, attempt.scene.run)
        cast.make_watch(person, attempt.scene.run, attempt)

    told = previewed("runs")

    assert told["runs: run watches"] == 2
    assert told == purged("runs")
    assert {watch.run for watch in RunWatch.objects.all()} == {young.scene.run}


def test_purging_again_finds_nothing(server):
    furnished(server, OLDER)
    purged()

    assert purged() == {}


# --- In batches ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["activity", "graphs", "blind-windows", "runs"])
def test_it_deletes_no_more_at_once_than_a_batch_holds(server, what):
    for _ in range(8):
        ROWS[what][1](server, OLDER)
    batches = []

    work = a_purge(what, largest=3)
    work.tally.tell = lambda line, rows: batches.append((line.what, rows))
    work.run()

    assert [rows for line, rows in batches if line == what] == [3, 3, 2]


def test_it_deletes_a_large_run_bit_by_bit(server):
    scene = an_end(server, OLDER).scene
    for _ in range(9):
        cast.make_node(an_end_of(server, scene, OLDER))
    batches = []

    work = a_purge("runs", largest=4)
    work.tally.tell = lambda line, rows: batches.append((line.what, rows))
    work.run()

    assert [rows for line, rows in batches if line == "runs: attempts"] == [4, 4, 2]
    assert not Run.objects.exists()


@pytest.mark.parametrize("what", retention.RULES)
def test_a_batch_takes_as_many_statements_for_many_rows_as_for_few(server, what):
    def statements(rows):
        for _ in range(rows):
            ROWS[what][1](server, OLDER)
        with CaptureQueriesContext(connection) as queries:
            purged(what)
        return len(queries)

    purged(what)  # makes the row that says whose turn it is
    assert statements(2) == statements(40)


def test_it_passes_over_a_run_that_cannot_go(server):
    cast.make_attempt(server, cast.make_scene(cast.make_run(server.team, touched_at=OLDER)))
    for _ in range(3):
        an_end(server, OLDER)

    assert purged("runs", largest=1)["runs"] == 3


def test_it_keeps_a_run_that_got_an_attempt_after_it_was_judged(server):
    scene = an_end(server, OLDER).scene
    work = a_purge("runs")
    cast.make_attempt(server, scene)

    with work.tally.on("runs", CUT):
        work._runs(work.due[0], [scene.run_id])

    assert gains(work.tally) == {}
    assert Attempt.objects.count() == 2


def test_what_is_left_when_it_is_stopped_is_whole_and_goes_next_time(server):
    for _ in range(5):
        furnished(server, OLDER)
    for stop_after in range(1, 12):
        asked = iter(range(1000))
        work = a_purge(largest=2, stopping=lambda asked=asked, n=stop_after: next(asked) >= n)
        with contextlib.suppress(Stopped):
            work.run()
        work.turn.give_back()
        connection.check_constraints()
        assert not Scene.objects.filter(attempts=None).exists()
        assert not Run.objects.filter(scenes=None).exists()

    purged()

    assert not Run.objects.exists()
    assert not ActivityEvent.objects.exists()


def test_it_stops_when_it_is_asked_to(server):
    furnished(server, OLDER)

    with pytest.raises(Stopped, match="goes on"):
        a_purge(stopping=lambda: True).run()

    assert Run.objects.count() == ActivityEvent.objects.count() == 1


def test_it_tries_again_where_the_database_refuses_and_counts_once(server):
    furnished(server, OLDER)
    work = a_purge("activity")
    pauses = []
    work.pace.pause = pauses.append
    refusals = iter([True, True, False])

    def refuse(execute, sql, *args):
        result = execute(sql, *args)
        if sql.startswith("DELETE") and next(refusals):
            raise OperationalError("database is locked")
        return result

    with connection.execute_wrapper(refuse):
        work.run()

    assert gains(work.tally) == {"activity": 1}
    assert pauses[:2] == list(RETRY_DELAYS_S[:2])


def test_it_gives_up_where_the_database_refuses_for_good(server):
    furnished(server, OLDER)
    work = a_purge("activity")

    def refuse(execute, sql, *args):
        if sql.startswith("DELETE"):
            raise OperationalError("database is locked")
        return execute(sql, *args)

    with connection.execute_wrapper(refuse), pytest.raises(OperationalError):
        work.run()

    assert ActivityEvent.objects.count() == 1


def test_batches_grow_while_they_are_quick_and_shrink_when_they_are_slow():
    pauses = []
    pace = Pace(pause=pauses.append)
    sizes = [pace.size]
    for seconds in (AIM_S / 10, AIM_S, AIM_S * 1.25, AIM_S * 10):
        pace.took(seconds)
        sizes.append(pace.size)

    first = sizes[0]
    assert sizes == [first, first * 2, first * 2, int(first * 1.6), int(first * 0.8)]
    assert pauses == [AIM_S / 10, AIM_S, AIM_S * 1.25, AIM_S * 10]


def test_batches_stay_within_their_limits():
    pace = Pace(pause=lambda seconds: None)
    sizes = set()
    for seconds in [0.0] * 20 + [9.0] * 20:
        pace.took(seconds)
        sizes.add(pace.size)

    assert (min(sizes), max(sizes)) == (SMALLEST, LARGEST)


@pytest.mark.django_db(transaction=True)
def test_it_does_not_hold_up_who_writes_meanwhile():
    server = cast.make_server(cast.make_team("Northlight"))
    old = [
        ActivityEvent(team=server.team, server=server, key=f"old-{n}", text="", at=OLDER)
        for n in range(6000)
    ]
    ActivityEvent.objects.bulk_create(old)
    ended, waits = threading.Event(), []

    def write():
        with contextlib.closing(connection):
            while not ended.is_set():
                began = time.monotonic()
                cast.make_activity(server, at=NOW)
                waits.append(time.monotonic() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        work = Purge(due("activity"), turn.take(), pace=Pace(500))
        work.run()
    finally:
        ended.set()
        writer.join()

    assert gains(work.tally) == {"activity": 6000}
    assert ActivityEvent.objects.count() == len(waits)
    # The limit is a second (docs/retention.md, measured); here two suites share the machine.
    assert max(waits) < 3
    assert work.tally.lines["activity"].slowest_ms < 3000


if connection.vendor == "postgresql":  # SQLite has one writer anyway: nothing to let pass

    @pytest.mark.django_db(transaction=True)
    def test_it_lets_a_collector_pass_that_writes_for_the_same_team(monkeypatch):
        monkeypatch.setattr("history.pace.LOCK_TIMEOUT_MS", 50)
        server = cast.make_server(cast.make_team("Northlight"))
        lease = cast.make_lease(server)
        an_end(server, OLDER)
        writing, written = threading.Event(), threading.Event()

        def write():
            with contextlib.closing(connection), transaction.atomic():
                Lease.objects.select_for_update().get(pk=lease.pk)
                writing.set()
                written.wait(30)

        collector = threading.Thread(target=write)
        collector.start()
        writing.wait(30)
        pauses = []

        def pause(seconds):
            pauses.append(seconds)
            written.set()
            collector.join()

        work = Purge(due("runs"), turn.take(), pace=Pace(pause=pause))
        work.run()

        assert pauses[0] == RETRY_DELAYS_S[0]
        assert gains(work.tally)["runs"] == 1


# --- Whose turn it is ---------------------------------------------------------------------------


def test_only_one_purges_at_a_time():
    mine = turn.take()

    assert turn.take() is None

    mine.give_back()
    assert turn.take() is not None


def test_it_takes_over_from_one_that_died():
    turn.take()
    PurgeState.objects.update(expires_at=NOW)

    assert turn.take() is not None


def test_it_stops_once_somebody_else_purges(server, monkeypatch):
    furnished(server, OLDER)
    monkeypatch.setattr(turn, "RENEW_S", 0)
    work = a_purge()
    PurgeState.objects.update(expires_at=NOW)
    turn.take()

    with pytest.raises(Stopped, match="somebody else"):
        work.run()

    assert ActivityEvent.objects.count() == 1


def test_how_far_runs_were_deleted_never_moves_back(server):
    an_end(server, OLDER)
    purged("runs")
    assert turn.runs_before() == CUT

    mine = turn.take()
    mine.forget_runs(CUT - timedelta(days=5))

    assert turn.runs_before() == CUT


def test_how_far_runs_were_deleted_stays_unsaid_while_none_is():
    purged()

    assert turn.runs_before() is None


def test_it_keeps_a_workload_that_an_attempt_is_of(server):
    cast.make_workload("used", first_seen_at=OLDER)
    cast.make_attempt(server, workload="used")

    purged("workloads")

    assert Workload.objects.filter(digest="used").exists()
