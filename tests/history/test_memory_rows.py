"""What attempts took of devices' memory, as rows."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.models import AttemptMemory
from history.rows import Told, write_rows
from telemetry import transitions as t
from telemetry.leases import claim
from telemetry.models import Device
from telemetry.transitions import Key
from telemetry.words import Grade
from tests import cast
from tests.telemetry.gpus import GIB
from tests.telemetry.test_machine import BEGAN

pytestmark = pytest.mark.django_db
TOLD = t.DeviceMemory(
    0, "GPU-a", "cuda:0 NVIDIA H200", 140 * GIB, 130 * GIB, 9 * GIB, None, Grade.MEASURED, 41
)


@pytest.fixture
def server():
    return cast.make_server(cast.make_team("Northlight"))


@pytest.fixture
def leased(server):
    return claim("me", BEGAN)[0]


@pytest.fixture
def attempt(server):
    return cast.make_attempt(server, prompt_id="a")


def write(leased, *devices, prompt_id="a"):
    write_rows([Told(leased, [t.AttemptMemory(Key(prompt_id), devices)], [])])


def rows():
    return list(
        AttemptMemory.objects.values_list(
            "index", "free_before_bytes", "free_lowest_bytes", "free_after_bytes", "grade"
        )
    )


def test_it_keeps_what_an_attempt_took_of_each_device(leased, attempt):
    write(leased, TOLD, replace(TOLD, index=1, uuid="", grade=Grade.POLLED))

    assert rows() == [
        (0, 130 * GIB, 9 * GIB, None, "measured"),
        (1, 130 * GIB, 9 * GIB, None, "polled"),
    ]
    row = attempt.memory.first()
    assert (row.uuid, row.total_bytes, row.samples) == ("GPU-a", 140 * GIB, 41)


def test_it_corrects_a_row_that_is_told_again(leased, attempt):
    write(leased, TOLD)

    write(leased, replace(TOLD, free_after=129 * GIB))
    write(leased, replace(TOLD, free_after=129 * GIB))

    assert rows() == [(0, 130 * GIB, 9 * GIB, 129 * GIB, "measured")]


def test_it_passes_over_an_attempt_that_is_not_on_record(leased, attempt):
    write(leased, TOLD, prompt_id="other")

    assert rows() == []


def test_it_gives_the_devices_the_uuids_of_their_cards(leased, server):
    for index, uuid in enumerate(("", "GPU-old", "GPU-older")):
        cast.make_device(server, index=index, uuid=uuid)
    cast.make_device(cast.make_server(server.team), index=0, uuid="GPU-other")

    write_rows([Told(leased, [t.DevicesIdentified(BEGAN, ("GPU-a", ""))], [])])

    found = dict(Device.objects.filter(server=server).values_list("index", "uuid"))
    assert found == {0: "GPU-a", 1: "", 2: ""}
    assert Device.objects.exclude(server=server).get().uuid == "GPU-other"


@pytest.mark.parametrize(
    "change",
    [
        t.AttemptMemory(Key("a"), tuple(replace(TOLD, index=n) for n in range(8))),
        t.DevicesIdentified(BEGAN, ("GPU-a",) * 8),
    ],
    ids=["memory", "uuids"],
)
def test_it_takes_two_queries_at_most(leased, attempt, change):
    with CaptureQueriesContext(connection) as queries:
        write_rows([Told(leased, [change], [])])

    assert len(queries) <= 2
