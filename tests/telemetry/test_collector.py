"""All servers of a worker: added, changed, let go; nothing of one ends the others."""

import asyncio
import threading

import pytest
from django.utils import timezone

from telemetry import collector as collector_module
from telemetry.collector import Collector
from telemetry.envelope import team_topic
from telemetry.models import Lease, Server, Team
from telemetry.stores import Change, Fragment, Part, live_store
from tests.processes import until
from tests.telemetry.simulated import Kept

pytestmark = pytest.mark.django_db(transaction=True)


class StandIn:
    """A watch that only says that it was begun, and fails if told to."""

    begun: list = []
    fails = False

    def __init__(self, leased, record, topics, sampler, look_up):
        self.leased = leased
        self.state = type("State", (), {"backfilling": True, "move": None})
        self.names = []

    def rename(self, told):
        self.names.append(told.name)

    async def run(self):
        self.begun.append(self.leased)
        if self.fails:
            raise ValueError("a bug of ours")
        await collector_module.asyncio.Event().wait()


@pytest.fixture
def collector(monkeypatch):
    monkeypatch.setattr(collector_module, "BEAT_S", 0.05)
    monkeypatch.setattr(collector_module, "RESTART_S", 0.05)
    monkeypatch.setattr(collector_module, "Watch", StandIn)
    monkeypatch.setattr(StandIn, "begun", [])
    collector = Collector("me", Kept().doors())
    yield collector
    assert collector.stop()


@pytest.fixture
def team():
    return Team.objects.create(name="Northlight", slug="northlight")


def add(team, name):
    return Server.objects.create(team=team, name=name, url=f"http://{name}:8188")


def begun():
    return [leased.url for leased in StandIn.begun]


def test_it_follows_a_server_that_is_added_and_anew_one_that_is_changed(collector, team):
    collector.start()
    server = add(team, "kino-01")
    until(lambda: begun() == ["http://kino-01:8188"], "the added server")

    Server.objects.filter(pk=server.pk).update(url="http://kino-01:9999")

    until(lambda: begun()[-1] == "http://kino-01:9999", "the changed server")


def test_it_has_the_store_refuse_an_old_owner_before_the_watch_begins(collector, team):
    collector.start()
    server = add(team, "kino-01")
    until(begun, "the server")

    late = Part((server.pk, Lease.objects.get().fence - 1), Change([Fragment("head", "late")]))
    stamped = asyncio.run(live_store().stamp(team_topic(team.pk), [late]))

    assert stamped.stamp is None


@pytest.mark.parametrize("field", ["bearer_encrypted", "basic_encrypted", "authorities"])
def test_it_follows_a_server_anew_at_once_when_its_settings_heal(collector, team, field):
    collector.start()
    server = add(team, "kino-01")
    until(lambda: begun() == ["http://kino-01:8188"], "the added server")

    Server.objects.filter(pk=server.pk).update(**{field: "entered again"})

    until(lambda: len(begun()) == 2, "the healed server")
    assert getattr(StandIn.begun[-1], field) == "entered again"


def test_it_renames_a_server_without_following_it_anew(collector, team):
    collector.start()
    server = add(team, "kino-01")
    until(lambda: collector._following, "the watch")
    watch = collector._following[server.pk]

    Server.objects.filter(pk=server.pk).update(name="kino-02")

    until(lambda: watch.names == ["kino-02"], "the new name")
    assert collector._following[server.pk] is watch
    assert begun() == ["http://kino-01:8188"]


@pytest.mark.parametrize("end", ["disabled", "deleted"])
def test_it_takes_a_server_off_the_wall_that_is_no_longer_watched(
    collector, team, end, monkeypatch
):
    taken_off = []

    async def remove(team_id, server_id, fence):
        taken_off.append((team_id, server_id))

    monkeypatch.setattr(collector_module.publishing, "remove", remove)
    collector.start()
    server = add(team, "kino-01")
    until(lambda: collector._following, "the watch")

    if end == "deleted":
        server.retire(timezone.now())
    else:
        Server.objects.filter(pk=server.pk).update(enabled=False)

    until(lambda: taken_off == [(team.pk, server.pk)], "the empty place on the wall")
    assert not collector._following


def test_it_lets_a_disabled_server_go_and_frees_its_leases_at_the_end(collector, team):
    server = add(team, "kino-01")
    collector.start()
    until(lambda: collector._watches, "the watch")

    Server.objects.filter(pk=server.pk).update(enabled=False)

    until(lambda: not collector._watches, "letting go")
    assert collector.stop()
    assert [lease.owner for lease in Lease.objects.all()] == [""]


def test_it_knows_since_when_nobody_watched_a_server_that_is_enabled_again(collector, team):
    collector.start()
    server = add(team, "kino-01")
    until(begun, "the watch")
    Server.objects.filter(pk=server.pk).update(enabled=False)
    until(lambda: Lease.objects.get().owner == "", "letting go")
    since = Lease.objects.get().renewed_at

    Server.objects.filter(pk=server.pk).update(enabled=True)

    until(lambda: len(begun()) == 2, "the watch again")
    assert StandIn.begun[-1].unwatched_since == since


def test_it_goes_on_after_a_beat_that_failed(collector, team, monkeypatch):
    real, failed = collector_module.leases.claim, threading.Event()

    def claim(*args):
        if not failed.is_set():
            failed.set()
            raise LookupError("a bug of ours")
        return real(*args)

    monkeypatch.setattr(collector_module.leases, "claim", claim)
    add(team, "kino-01")

    collector.start()

    until(lambda: begun() == ["http://kino-01:8188"], "the server")


def test_it_tells_a_watch_that_begins_again_since_when_nobody_watched(collector, team, monkeypatch):
    monkeypatch.setattr(StandIn, "fails", True)
    add(team, "kino-01")

    collector.start()

    until(lambda: len(StandIn.begun) >= 3, "further tries")
    times = [leased.unwatched_since for leased in StandIn.begun[:3]]
    assert times[0] is None
    assert times[1] < times[2]
    assert all(leased.backfilling for leased in StandIn.begun[1:3])
