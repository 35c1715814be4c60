"""history/failures/keeping.py: families follow the attempts, whoever writes them, how often."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from history.failures import changes
from history.failures.keeping import keep, occurrences_of
from history.models import Attempt, FailureDecision, FailureFamily, FailureOccurrence
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db
NOON = cast.NOON
OOM = {"error_type": "torch.OutOfMemoryError", "error_node": "3", "error_node_type": "KSampler"}


@pytest.fixture
def server():
    server = cast.make_server(cast.make_team("Northlight"))
    cast.make_device(server, index=0, model="RTX 4090")
    return server


@pytest.fixture
def scene(server):
    return cast.make_scene(cast.make_run(server.team))


def failed(server, scene=None, minutes=0, **fields):
    usual = {"status": Status.ENDED, "outcome": Outcome.FAILED, "error_message": "It broke."}
    at = NOON + timedelta(minutes=minutes)
    return cast.make_attempt(server, scene, **{**usual, "ended_at": at, **OOM, **fields})


def kept(*attempts, dropped=()):
    with transaction.atomic():
        keep([attempt.pk for attempt in attempts], dropped)
    return list(FailureFamily.objects.order_by("pk"))


def test_attempts_that_failed_alike_are_one_family(server, scene):
    first = failed(server, scene, 0, error_message="CUDA out of memory. Tried 1 GiB.")
    again = failed(server, scene, 5, error_message="CUDA out of memory. Tried 9 GiB.")
    elsewhere = failed(server, minutes=2, error_message="CUDA out of memory. x", error_node="7")

    [family] = kept(first, again, elsewhere)

    assert (family.count, family.run_count, family.state) == (3, 2, "open")
    assert (family.first_seen_at, family.last_seen_at) == (NOON, NOON + timedelta(minutes=5))
    assert family.message == "CUDA out of memory. Tried 9 GiB."
    assert (family.servers, family.gpus) == ({str(server.pk): 3}, {"RTX 4090": 3})
    assert family.nodes == {"3": 2, "7": 1}


def test_teams_have_families_of_their_own(server):
    other = cast.make_server(cast.make_team("Southdark"))

    families = kept(failed(server), failed(other))

    assert [family.team_id for family in families] == [server.team_id, other.team_id]


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.PARTIAL, Outcome.CANCELLED, None])
def test_what_did_not_fail_is_in_no_family(server, outcome):
    assert kept(failed(server, outcome=outcome)) == []


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.TIMEOUT])
def test_what_was_lost_or_took_too_long_is_a_family_by_its_reason(server, outcome):
    nothing = dict.fromkeys(OOM)
    lost = failed(
        server, outcome=outcome, reason="ComfyUI restarted", error_message=None, **nothing
    )

    [family] = kept(lost)

    assert (family.error_type, family.outcome, family.message) == ("", outcome, "ComfyUI restarted")


def test_a_scene_that_must_have_frames_and_has_none_failed_whatever_comfyui_says(server):
    scene = cast.make_scene(cast.make_run(server.team), frame_floor=25)
    nothing = {**dict.fromkeys(OOM), "error_message": None}
    attempt = failed(server, scene, outcome=Outcome.SUCCESS, frames=0, **nothing)

    [family] = kept(attempt)

    assert (family.outcome, family.message) == ("failed", "No frames came of it.")


def test_the_same_again_changes_nothing(server, scene):
    attempts = failed(server, scene), failed(server)
    [before] = kept(*attempts)

    with CaptureQueriesContext(connection) as asked:
        [after] = kept(*attempts)

    assert (after.count, after.run_count, after.servers) == (2, 2, before.servers)
    assert not [one for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert FailureOccurrence.objects.count() == 2


def test_a_correction_takes_off_what_was_counted(server, scene):
    first, second = failed(server, scene, 0), failed(server, minutes=9)
    kept(first, second)
    Attempt.objects.filter(pk=second.pk).update(outcome=Outcome.CANCELLED)

    [family] = kept(second)

    assert (family.count, family.run_count, family.last_seen_at) == (1, 1, NOON)
    assert list(FailureOccurrence.objects.values_list("pk", flat=True)) == [first.pk]


def test_a_correction_moves_an_attempt_to_another_family(server):
    attempt = failed(server)
    kept(attempt)
    Attempt.objects.filter(pk=attempt.pk).update(error_type="ValueError")

    old, new = kept(attempt)

    assert (old.count, old.run_count, old.nodes) == (0, 0, {})
    assert (new.count, new.run_count, new.nodes) == (1, 1, {"3": 1})


def test_an_attempt_that_moves_to_another_run_is_counted_there(server, scene):
    alone, other = failed(server), failed(server, scene)
    kept(alone, other)
    Attempt.objects.filter(pk=alone.pk).update(scene=scene)

    [family] = kept(alone)

    assert (family.count, family.run_count) == (2, 1)


def test_what_is_dropped_is_taken_off_and_what_retention_deletes_is_not(server):
    dropped, purged = failed(server), failed(server)
    kept(dropped, purged)
    before = occurrences_of([dropped.pk])
    Attempt.objects.all().delete()

    [family] = kept(dropped=before)

    assert (family.count, family.run_count) == (1, 1)


def test_a_resolved_family_opens_when_it_is_seen_again(server):
    [family] = kept(failed(server))
    FailureFamily.objects.update(state="resolved", state_at=NOON, state_who="olga")

    [family] = kept(failed(server, minutes=3))

    assert (family.state, family.state_who) == ("open", "")
    assert family.state_at == NOON + timedelta(minutes=3)
    [decision] = FailureDecision.objects.all()
    assert (decision.state, decision.who, decision.user) == ("open", "", None)


def test_an_older_failure_and_one_that_is_told_again_leave_it_resolved(server):
    seen = failed(server, minutes=9)
    kept(seen)
    FailureFamily.objects.update(state="resolved", state_at=NOON)

    [family] = kept(seen, failed(server, minutes=-1))

    assert (family.state, family.count) == ("resolved", 2)


def test_a_failure_that_is_told_anew_with_a_later_time_leaves_it_resolved(server):
    seen = failed(server)
    kept(seen)
    FailureFamily.objects.update(state="resolved", state_at=NOON + timedelta(minutes=1))
    Attempt.objects.filter(pk=seen.pk).update(ended_at=NOON + timedelta(minutes=9))

    [family] = kept(seen)

    assert (family.state, family.last_seen_at) == ("resolved", NOON + timedelta(minutes=9))


def test_a_failure_that_moves_into_a_resolved_family_opens_it(server):
    moved = failed(server, minutes=9, error_type="ValueError")
    kept(failed(server), moved)
    FailureFamily.objects.update(state="resolved", state_at=NOON + timedelta(minutes=1))
    Attempt.objects.filter(pk=moved.pk).update(**OOM)

    kept(moved)

    states = dict(FailureFamily.objects.values_list("error_type", "state"))
    assert states == {OOM["error_type"]: "open", "ValueError": "resolved"}


def test_an_older_failure_takes_neither_the_last_time_nor_the_message(server):
    kept(failed(server, minutes=9, error_message="CUDA out of memory. Tried 9 GiB."))

    [family] = kept(failed(server, error_message="CUDA out of memory. Tried 1 GiB."))

    assert (family.first_seen_at, family.last_seen_at) == (NOON, NOON + timedelta(minutes=9))
    assert family.message == "CUDA out of memory. Tried 9 GiB."


def test_a_family_ended_as_its_newest_failure_did(server):
    kept(failed(server))

    [family] = kept(failed(server, minutes=3, outcome=Outcome.TIMEOUT))

    assert family.outcome == "timeout"


def test_beyond_so_many_nodes_the_others_are_counted_together(server, monkeypatch):
    monkeypatch.setattr(changes, "MOST", 2)

    [family] = kept(*(failed(server, error_node=str(node)) for node in (1, 2, 3, 4, 2)))

    assert family.nodes == {"1": 1, "2": 2, "": 2}


def test_an_ignored_family_stays_ignored(server):
    kept(failed(server))
    FailureFamily.objects.update(state="ignored", state_at=NOON)

    [family] = kept(failed(server, minutes=3))

    assert family.state == "ignored"


def test_many_failures_of_one_family_cost_as_many_queries_as_one(server):
    alone = failed(server, error_type="A")
    attempts = [failed(server, error_type="B") for _ in range(30)]
    with CaptureQueriesContext(connection) as one:
        kept(alone)
    with CaptureQueriesContext(connection) as many:
        kept(*attempts)

    assert len(many) == len(one) <= 14


def test_without_failures_nothing_is_asked(django_assert_num_queries):
    with django_assert_num_queries(0):
        keep([])
