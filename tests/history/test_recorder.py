"""The record: rows from transitions, repeated without harm, refused to who lost the fence."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history import attempt_rows
from history.models import (
    ActivityEvent,
    Attempt,
    AttemptOutputs,
    FailureFamily,
    Graph,
    NodeExecution,
    Run,
    RunServer,
    Scene,
    Workload,
)
from history.recorder import FenceLost, Writer
from history.rows import Told, write_rows
from telemetry import transitions as t
from telemetry.activity import happenings
from telemetry.contact import Answered, Passed, StatsTold, WatchResumed
from telemetry.leases import claim
from telemetry.models import BlindWindow, Environment, Lease, Server, Team
from telemetry.protocol import read_stats
from tests.cast import make_run, make_scene
from tests.telemetry.test_machine import BEGAN, Feed, ms, prompt, success

pytestmark = pytest.mark.django_db


@pytest.fixture
def leased():
    team = Team.objects.create(name="Northlight", slug="northlight")
    Server.objects.create(team=team, name="kino-01", url="http://kino-01:8188")
    return claim("me", BEGAN)[0]


@pytest.fixture
def feed():
    return Feed()


def write(leased, feed):
    changes, feed.changes = feed.changes, []
    write_rows([Told(leased, changes, happenings(feed.state, changes))])
    return changes


def a_success(feed):
    extra = {"run_id": "run-7", "scene_id": "scene-003", "story_id": "Harbor", "user": "mira"}
    feed.queue(10.5, running=[prompt("a", 4, **extra, create_time=ms(8))])
    feed.queue(13)
    feed.history(13, (prompt("a", 4, **extra, create_time=ms(8)), success(10, 12.5)))


LEFT = {"9": {"images": [{"filename": "a.png", "subfolder": "dusk", "type": "output"}]}}


def test_it_keeps_the_names_of_the_files_that_a_prompt_left(leased, feed):
    feed.history(13, (prompt("a", 4), success(10, 12.5), LEFT))
    write(leased, feed)

    row = AttemptOutputs.objects.get()
    assert (row.files, row.count) == ([["9", "output", "dusk", "a.png"]], 1)


def test_files_that_were_told_are_not_told_again(leased, feed):
    feed.history(13, (prompt("a", 4), success(10, 12.5), LEFT))
    write(leased, feed)

    feed.history(20, (prompt("a", 4), success(10, 12.5), LEFT))

    assert feed.changes == []


def test_an_end_that_is_corrected_keeps_its_files(leased, feed):
    feed.history(13, (prompt("a", 4), success(10, 12.5), LEFT))
    write(leased, feed)

    feed.history(20, (prompt("a", 4), success(10, 14), LEFT))
    assert [type(change) for change in write(leased, feed)] == [t.AttemptEnded]

    assert AttemptOutputs.objects.get().files == [["9", "output", "dusk", "a.png"]]


def test_a_prompt_without_files_has_no_row_of_them(leased, feed):
    feed.history(13, (prompt("a", 4), success(10, 12.5)))
    write(leased, feed)

    assert not AttemptOutputs.objects.exists()


def test_it_keeps_a_prompt_with_its_times_and_its_scene(leased, feed):
    a_success(feed)
    write(leased, feed)

    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.outcome, attempt.outcome_grade) == (
        "ended",
        "success",
        "measured",
    )
    assert (attempt.waited_s, attempt.duration_s) == (2.0, 2.5)
    assert (attempt.scene.external_id, attempt.scene.outcome) == ("scene-003", "success")
    assert (attempt.scene.run.external_id, attempt.scene.run.submitter) == ("run-7", "mira")


def test_it_changes_nothing_when_written_again(leased, feed):
    a_success(feed)
    changes = write(leased, feed)
    before = [list(model.objects.values()) for model in (Attempt, Run, Scene, ActivityEvent)]

    feed.changes = changes
    write(leased, feed)

    after = [list(model.objects.values()) for model in (Attempt, Run, Scene, ActivityEvent)]
    assert after == before


def test_a_run_tells_of_its_scenes_as_they_come_and_end(leased, feed):
    extra = {"run_id": "r", "story_title": "Harbor", "scene_title": "Dawn"}
    first, second = (
        prompt(name, number, **extra, scene_id=f"scene-00{number}", create_time=ms(number))
        for number, name in enumerate("ab", 1)
    )
    feed.queue(3, running=[first], pending=[second])
    write(leased, feed)
    run = Run.objects.get()
    assert (run.title, run.scene_count, run.open_count, run.outcome) == ("Harbor", 2, 2, None)
    assert [server.server_id for server in run.servers.all()] == [leased.server_id]

    feed.queue(20)
    feed.history(20, (first, success(4, 10)), (second, success(10, 19.5)))
    write(leased, feed)

    run.refresh_from_db()
    assert (run.outcome, run.success_count, run.open_count, run.work_s) == ("success", 2, 0, 15.5)
    assert run.duration_s == pytest.approx(15.5, abs=0.001)
    scenes = Scene.objects.order_by("external_id").values_list("title", "duration_s", "team")
    assert list(scenes) == [("Dawn", 6.0, leased.team_id), ("Dawn", 9.5, leased.team_id)]


def test_a_run_that_is_found_to_have_begun_earlier_has_so_on_its_servers_too(leased, feed):
    for number, created in ((1, 8), (2, 5)):
        name = prompt(f"p{number}", number, run_id="r", create_time=ms(created))
        feed.queue(10 + number, running=[name])
        write(leased, feed)

    run = Run.objects.get()
    assert {server.began_at for server in RunServer.objects.all()} == {run.began_at}


@pytest.mark.parametrize("origin", ["file", "both"])
def test_what_comfyui_tells_does_not_move_what_a_file_put_in_its_scene(leased, feed, origin):
    feed.queue(0, running=[prompt("a", 4)])
    changes = write(leased, feed)
    run = make_run(Team.objects.get(), external_id="filed")
    Attempt.objects.update(scene=make_scene(run), origin=origin)
    Run.objects.exclude(pk=run.pk).delete()

    feed.changes = changes
    write(leased, feed)

    assert Attempt.objects.get().scene.run == run == Run.objects.get()


def test_it_gives_prompts_of_one_run_one_run_and_their_scenes(leased, feed):
    for number, scene in enumerate(["scene-001", "scene-002", "scene-001"]):
        feed.queue(number, running=[prompt(f"p{number}", number, run_id="r", scene_id=scene)])
    write(leased, feed)

    assert Run.objects.count() == 1
    assert [s.attempts.count() for s in Scene.objects.order_by("external_id")] == [2, 1]


def test_it_gives_a_prompt_without_run_a_run_of_its_own(leased, feed):
    feed.queue(0, running=[prompt("a")], pending=[prompt("b", 2)])
    write(leased, feed)

    assert Run.objects.count() == Scene.objects.count() == 2


def test_it_moves_a_prompt_to_its_scene_once_that_is_known(leased, feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    write(leased, feed)
    feed.queue(1, running=[prompt("a", 1, run_id="r", scene_id="scene-001")])
    write(leased, feed)

    assert [run.external_id for run in Run.objects.all()] == ["r"]
    assert Attempt.objects.get().scene.external_id == "scene-001"


def test_it_keeps_what_is_needed_to_submit_a_lost_prompt_again(leased, feed):
    feed.queue(0, running=[prompt("a", 5)])
    feed.queue(2, running=[prompt("n", 0)])
    write(leased, feed)

    lost = Attempt.objects.get(prompt_id="a")
    assert (lost.outcome, lost.reason, lost.duration_s) == ("lost", "ComfyUI restarted", None)
    assert Graph.objects.filter(attempt=lost).exists()


def test_it_keeps_the_error_with_node_and_traceback(leased, feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(
        1,
        "execution_error",
        prompt_id="a",
        node_id="2",
        node_type="TTFail",
        exception_type="ValueError",
        exception_message="boom",
        traceback=["t\n"],
        timestamp=ms(1),
    )
    write(leased, feed)

    row = Attempt.objects.get()
    assert (row.error_type, row.error_message, row.error_node, row.error_node_type) == (
        "ValueError",
        "boom",
        "2",
        "TTFail",
    )
    assert row.traceback == "t\n"


def an_error(feed, prompt_id, at_s):
    told = {"node_id": "2", "node_type": "TTFail", "exception_type": "ValueError"}
    feed.frame(at_s, "execution_start", prompt_id=prompt_id, timestamp=ms(at_s))
    feed.frame(
        at_s + 1,
        "execution_error",
        prompt_id=prompt_id,
        **told,
        exception_message=f"boom {at_s}",
        timestamp=ms(at_s + 1),
    )


def test_it_sorts_failures_into_families_and_counts_each_once(leased, feed):
    an_error(feed, "a", 0)
    an_error(feed, "b", 5)
    changes = write(leased, feed)
    feed.changes = changes
    write(leased, feed)

    family = FailureFamily.objects.get()
    assert (family.count, family.run_count, family.nodes) == (2, 2, {"2": 2})
    assert (family.error_type, family.node_type, family.message) == (
        "ValueError",
        "TTFail",
        "boom 5",
    )


def test_a_success_asks_nothing_of_families(leased, feed):
    a_success(feed)
    with CaptureQueriesContext(connection) as queries:
        write(leased, feed)

    assert not [query for query in queries if "history_failure" in query["sql"]]


def test_a_failure_that_is_corrected_leaves_its_family(leased, feed):
    an_error(feed, "a", 0)
    write(leased, feed)
    feed.changes = [t.AttemptEnded(t.Key("a", 0), "success", "measured", None, BEGAN)]
    write(leased, feed)

    assert FailureFamily.objects.get().count == 0


def test_it_keeps_nodes_that_a_channel_named(leased, feed):
    feed.queue(0, running=[prompt("a")])
    feed.frame(1, "executing", prompt_id="a", node="1", display_node="1")
    feed.frame(3, "executing", prompt_id="a", node="2", display_node="2")
    write(leased, feed)

    node = NodeExecution.objects.get()
    assert (node.node, node.class_type, node.duration_s) == ("1", "EmptyImage", 2.0)


def test_it_does_not_undo_a_scenes_success_by_a_later_failure(leased, feed):
    a_success(feed)
    extra = {"run_id": "run-7", "scene_id": "scene-003"}
    failed = {"status_str": "error", "completed": False, "messages": []}
    feed.history(20, (prompt("b", 5, **extra), failed))
    write(leased, feed)

    assert Scene.objects.get().outcome == "success"


def test_it_writes_no_line_of_activity_for_each_prompt_found_later(leased, feed):
    entries = [(prompt(f"p{n}", n), success(-90, -80)) for n in range(20)]
    feed.at(0, Answered())
    feed.history(0, *entries)
    write(leased, feed)

    assert Attempt.objects.filter(found_later=True).count() == 20
    assert not ActivityEvent.objects.filter(kind="ended").exists()


def test_it_keeps_an_environment_only_when_it_changes(leased, feed):

    for second, version in enumerate(["0.3.64", "0.3.64", "0.33.0"]):
        body = f'{{"system": {{"comfyui_version": "{version}"}}, "devices": []}}'
        feed.at(second, StatsTold(read_stats(body.encode())))
    write(leased, feed)

    versions = Environment.objects.order_by("since").values_list("comfyui_version", flat=True)
    assert list(versions) == ["0.3.64", "0.33.0"]


def test_it_keeps_the_packages_and_the_driver_of_an_environment(leased, feed):
    package = '{"name": "comfyui-frontend-package", "installed": "1.49.6"}'
    body = f'{{"system": {{"comfy_package_versions": [{package}]}}, "devices": []}}'
    stats = read_stats(body.encode())
    feed.changes = [t.EnvironmentChanged(BEGAN, stats, "570.86.10")]
    write(leased, feed)

    row = Environment.objects.get()
    assert row.packages == {"comfyui-frontend-package": "1.49.6"}
    assert row.driver_version == "570.86.10"


def test_what_is_not_known_of_an_environment_is_no_change_of_it(leased, feed):
    known = read_stats(b'{"system": {"comfyui_version": "0.33.0"}, "devices": []}')
    for driver in (None, "570", None, "570", "580"):
        feed.changes = [t.EnvironmentChanged(BEGAN, known, driver)]
        write(leased, feed)

    drivers = Environment.objects.order_by("pk").values_list("driver_version", flat=True)
    assert list(drivers) == ["570", "580"]
    assert Environment.objects.values("fingerprint").distinct().count() == 2


def test_node_packs_are_filled_in_once_told_and_a_change_of_them_is_a_row(leased, feed):
    known = read_stats(b'{"system": {"comfyui_version": "0.33.0"}, "devices": []}')
    told = (None, {"kjnodes": "1.1.2"}, None, {"kjnodes": "1.2.0"}, {"kjnodes": "1.2.0"}, {})
    for second, packs in enumerate(told):
        at = BEGAN + timedelta(seconds=second)
        feed.changes = [t.EnvironmentChanged(at, known, None, packs)]
        write(leased, feed)

    rows = Environment.objects.order_by("pk")
    assert [row.node_packs for row in rows] == [{"kjnodes": "1.1.2"}, {"kjnodes": "1.2.0"}, {}]
    assert len({row.fingerprint for row in rows}) == 3


def test_it_records_blind_windows(leased, feed):

    feed.at(60, WatchResumed(BEGAN))
    write(leased, feed)

    window = BlindWindow.objects.get()
    assert (window.ended_at - window.began_at) == timedelta(seconds=60)


def test_it_keeps_hostile_text_as_text(leased, feed):
    name = "<script>alert(1)</script>\u0000\u202e" + "x" * 300
    feed.queue(0, running=[prompt("a", 1, user=name, scene_id=name, run_id=name)])
    write(leased, feed)

    assert Attempt.objects.get().submitter.startswith("<script>")


@pytest.fixture
def writer():
    writer = Writer()
    writer.start()
    yield writer
    writer.stop()


@pytest.mark.django_db(transaction=True)
def test_it_commits_before_it_says_so(leased, feed, writer):
    a_success(feed)

    writer.record(leased, feed.changes, happenings(feed.state, feed.changes)).result(10)

    assert Attempt.objects.get().outcome == "success"


@pytest.mark.django_db(transaction=True)
def test_it_refuses_an_owner_that_was_taken_over(leased, feed, writer):
    a_success(feed)
    Lease.objects.update(fence=leased.fence + 1, owner="another")

    with pytest.raises(FenceLost):
        writer.record(leased, feed.changes, []).result(10)

    assert not Attempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_loses_only_the_change_that_cannot_be_written(leased, feed, writer, monkeypatch):

    def poisoned(attempts, leased, change):
        if change.key.prompt_id == "bad":
            raise ValueError("poison")
        return seen(attempts, leased, change)

    seen = attempt_rows.TAKERS[t.AttemptSeen]
    monkeypatch.setitem(attempt_rows.TAKERS, t.AttemptSeen, poisoned)
    first = feed.queue(0, pending=[prompt("bad")])
    second = feed.queue(1, pending=[prompt("bad"), prompt("good", 2)])
    futures = [writer.record(leased, changes, []) for changes in (first, second)]

    assert isinstance(futures[0].exception(10), ValueError)
    futures[1].result(10)
    assert [a.prompt_id for a in Attempt.objects.all()] == ["good"]


def test_it_gives_a_scene_the_outcome_of_its_newest_attempt_though_it_is_read_last(leased, feed):
    extra = {"run_id": "r", "scene_id": "scene-001"}
    failed = {"status_str": "error", "completed": False, "messages": []}
    interrupted = {"prompt_id": "x", "node_id": "1", "node_type": "A", "timestamp": ms(50)}
    cancelled = {**failed, "messages": [["execution_interrupted", interrupted]]}
    feed.history(99, (prompt("new", 9, **extra, create_time=ms(40)), cancelled), complete=False)
    feed.history(99, (prompt("old", 2, **extra, create_time=ms(10)), failed), complete=False)
    write(leased, feed)

    assert Scene.objects.get().outcome == "cancelled"


def test_it_corrects_a_scene_with_its_attempt(leased, feed):
    feed.queue(0, running=[prompt("a")])
    feed.log(1, "Prompt executed in 1.00 seconds")
    feed.queue(2)
    feed.at(5, Passed())
    write(leased, feed)
    assert Scene.objects.get().outcome == "success"
    failed = {"status_str": "error", "completed": False, "messages": []}
    feed.history(6, (prompt("a"), failed))
    write(leased, feed)

    assert Scene.objects.get().outcome == "failed"


def test_it_keeps_a_traceback_that_a_later_word_does_not_carry(leased, feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    error = {"exception_type": "E", "exception_message": "m", "traceback": ["t"]}
    feed.frame(1, "execution_error", prompt_id="a", node_id="1", timestamp=ms(1), **error)
    write(leased, feed)
    feed.queue(2)
    feed.history(2, (prompt("a"), success(0, 1)), complete=False)
    write(leased, feed)

    assert Attempt.objects.get().traceback == "t"


@pytest.mark.django_db(transaction=True)
def test_it_writes_again_what_it_was_paused_in(leased, feed, writer, monkeypatch, settings):
    settings.LEASE_S = 0.4  # PostgreSQL ends a transaction that is silent for half of it
    pauses = iter([1.0])

    def paused(batch):
        time.sleep(next(pauses, 0))  # as SIGSTOP in the middle of a transaction does
        write_rows(batch)

    monkeypatch.setattr("history.recorder.write_rows", paused)
    a_success(feed)

    writer.record(leased, feed.changes, []).result(10)

    assert Attempt.objects.get().outcome == "success"


def test_it_keeps_what_a_workload_asks_of_a_gpu_once(leased, feed):
    a_success(feed)
    write(leased, feed)
    feed.queue(20, running=[prompt("b", 5, create_time=ms(18))])
    write(leased, feed)

    workload = Workload.objects.get()
    told = Attempt.objects.order_by().values_list("workload", flat=True).distinct()
    assert list(told) == [workload.digest]
    assert workload.family is not None


def test_it_places_the_scenes_of_a_run(leased, feed):
    a_success(feed)
    write(leased, feed)

    scene = Scene.objects.get()
    assert (scene.position, scene.run.work is None) == (0, False)
