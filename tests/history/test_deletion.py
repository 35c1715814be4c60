"""history/deletion.py: deleted runs on the page, in the purge, and what brings one back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from history import deletion, retention, turn
from history.models import Attempt, Finding, Run, RunDecision, RunWatch, Scene
from history.purge import Purge
from history.rows import Told, write_rows
from history.settling import settle
from history.words import RunChange
from telemetry.activity import happenings
from telemetry.leases import claim
from telemetry.models import Server
from telemetry.words import Status
from tests.api import member, signed_in
from tests.cast import (
    NOON,
    Cast,
    make_attempt,
    make_cast,
    make_claim,
    make_finding,
    make_memory,
    make_run,
    make_run_note,
    make_scene,
    make_server,
    make_watch,
)
from tests.telemetry.test_machine import BEGAN, Feed, ms, prompt, success

pytestmark = pytest.mark.django_db

LONG_AGO = NOON - timedelta(days=40)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    return make_server(cast.northlight, name="kino-01")


@pytest.fixture
def run(server: Server) -> Run:
    run = make_run(server.team, title="Harbor", submitter="olga", began_at=LONG_AGO)
    attempt = make_attempt(
        server, make_scene(run), status=Status.ENDED, outcome="success", ended_at=LONG_AGO
    )
    make_memory(attempt)
    make_finding(run)
    make_run_note(run)
    settle([attempt.scene_id])
    run.refresh_from_db()
    return run


def at(path: str, run: Run) -> str:
    return f"/teams/northlight/runs/{run.pk}/{path}"


def purge(now: datetime) -> None:
    held = turn.take()
    assert held is not None
    Purge(retention.due(now, ["deleted-runs"]), held).run()
    held.give_back()


# --- The page -------------------------------------------------------------------------------------


def test_who_may_finds_the_way_to_delete_on_the_run_and_confirms_it(cast: Cast, run: Run) -> None:
    olga = signed_in(cast.olga)
    assert at("delete/", run) in olga.get(at("", run)).content.decode()
    page = olga.get(at("delete/", run)).content.decode()
    assert "1 scene and 1 attempt" in page
    assert Run.objects.kept().filter(pk=run.pk).exists()

    answer = olga.post(at("delete/", run), follow=True)

    assert "Harbor is deleted" in answer.content.decode()
    assert at("restore/", run) in answer.content.decode()
    assert not Run.objects.kept().filter(pk=run.pk).exists()


def test_who_may_not_finds_no_way(cast: Cast, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(submitter="somebody")

    assert at("delete/", run) not in signed_in(cast.olga).get(at("", run)).content.decode()
    assert "Archive or delete" not in signed_in(cast.bob).get(at("", run)).content.decode()
    assert signed_in(cast.olga).post(at("delete/", run)).status_code == 403
    assert signed_in(cast.bob).post(at("delete/", run)).status_code == 403


def test_a_claim_of_a_client_id_gives_a_viewer_no_right(cast: Cast, run: Run) -> None:
    make_claim(cast.northlight, cast.bob, client_id="olga")

    assert not deletion.may_delete(member(cast.bob, cast.northlight), run)
    assert deletion.may_delete(member(cast.olga, cast.northlight), run)
    assert signed_in(cast.bob).post(at("delete/", run)).status_code == 403


@pytest.mark.parametrize("page", ["", "report/", "timeline/"])
def test_a_deleted_run_is_in_no_list_and_comes_back_whole(cast: Cast, run: Run, page: str) -> None:
    olga, pages = signed_in(cast.olga), f"/teams/northlight/runs/{page}"
    before = olga.get(pages).content.decode()
    olga.post(at("delete/", run))
    olga.get("/settings/me/")  # What is told of the deletion once, and names the run.

    assert "Harbor" not in olga.get(pages).content.decode()
    olga.post(at("restore/", run))
    olga.get("/settings/me/")

    assert "Harbor" in before
    assert "Harbor" in olga.get(pages).content.decode()


def test_an_operator_sees_their_own_deleted_runs_an_admin_all(cast: Cast, run: Run) -> None:
    other = make_run(cast.northlight, title="Lighthouse", submitter="somebody")
    for one in (run, other):
        deletion.delete(one, cast.alice, NOON)

    pages = [
        signed_in(user).get("/teams/northlight/runs/deleted/").content.decode()
        for user in (cast.olga, cast.alice)
    ]

    assert ["Harbor" in page for page in pages] == [True, True]
    assert ["Lighthouse" in page for page in pages] == [False, True]


def test_the_run_tells_who_archived_it(cast: Cast, run: Run) -> None:
    olga = signed_in(cast.olga)
    olga.post(at("archive/", run), {"do": "archive"})

    page = olga.get(at("", run)).content.decode()

    assert "Archived by <b>olga</b>" in page
    assert "Take out of the archive" in page


def test_who_waited_for_its_end_waits_no_more(cast: Cast, run: Run) -> None:
    make_watch(cast.bob, run)

    deletion.delete(run, cast.olga, NOON)

    assert not RunWatch.objects.exists()


# --- The purge ------------------------------------------------------------------------------------


def test_the_purge_takes_all_but_its_key_and_who_deleted_it(cast: Cast, run: Run) -> None:
    deletion.delete(run, cast.olga, LONG_AGO)

    purge(NOON)

    run.refresh_from_db()
    assert (run.title, run.submitter, run.scene_count, run.outcome) == (None, None, 0, None)
    assert run.emptied_at is not None
    assert [Scene.objects.count(), Attempt.objects.count(), Finding.objects.count()] == [0, 0, 0]
    decided = list(run.decisions.values_list("what", "who"))
    assert decided == [(RunChange.EMPTIED, ""), (RunChange.DELETED, "olga")]


def test_what_was_emptied_cannot_be_restored(cast: Cast, run: Run) -> None:
    deletion.delete(run, cast.olga, LONG_AGO)
    purge(NOON)

    answer = signed_in(cast.olga).post(at("restore/", run), follow=True)

    assert answer.status_code == 403 or "removed for good" in answer.content.decode()
    assert "removed for good" in (
        signed_in(cast.alice).post(at("restore/", run), follow=True).content.decode()
    )
    run.refresh_from_db()
    assert run.deleted_at is not None


def test_the_purge_leaves_it_until_its_days_are_over(cast: Cast, run: Run) -> None:
    deletion.delete(run, cast.olga, NOON - timedelta(days=30))

    purge(NOON)

    assert Scene.objects.filter(run=run).exists()
    assert deletion.restore(run, cast.olga, NOON)


def test_the_purge_has_nothing_to_do_with_it_again(cast: Cast, run: Run) -> None:
    deletion.delete(run, cast.olga, LONG_AGO)
    purge(NOON)
    before = RunDecision.objects.count()

    purge(NOON + timedelta(days=1))

    assert RunDecision.objects.count() == before


# --- What brings it back --------------------------------------------------------------------------


@pytest.fixture
def told(server: Server) -> Any:
    """Return what writes what a server told, as its collector does."""
    leased, feed = claim("me", BEGAN)[0], Feed()

    def write() -> Run:
        changes, feed.changes = feed.changes, []
        write_rows([Told(leased, changes, happenings(feed.state, changes))])
        return Run.objects.get(external_id="run-7")

    return feed, write


def test_a_prompt_that_is_submitted_to_it_brings_it_back(cast: Cast, told: Any) -> None:
    feed, write = told
    extra = {"run_id": "run-7", "scene_id": "scene-003"}
    feed.history(13, (prompt("a", 4, **extra, create_time=ms(8)), success(10, 12.5)))
    run = write()
    deletion.delete(run, cast.olga, BEGAN + timedelta(seconds=20))

    feed.queue(31, running=[prompt("b", 5, **extra, create_time=ms(30))])
    run = write()

    assert run.deleted_at is None
    assert run.decisions.first().why == "a prompt was submitted to it"


def test_what_comfyui_remembers_of_it_does_not(cast: Cast, told: Any) -> None:
    feed, write = told
    extra = {"run_id": "run-7", "scene_id": "scene-003"}
    feed.history(13, (prompt("a", 4, **extra, create_time=ms(8)), success(10, 12.5)))
    run = write()
    deletion.delete(run, cast.olga, BEGAN + timedelta(seconds=20))
    purge(BEGAN + timedelta(days=60))

    feed.history(40, (prompt("b", 5, **extra, create_time=ms(9)), success(12.6, 13)))
    run = write()
    assert run.deleted_at is not None
    assert Scene.objects.filter(run=run).exists()
    purge(BEGAN + timedelta(days=61))

    assert not Scene.objects.filter(run=run).exists()
