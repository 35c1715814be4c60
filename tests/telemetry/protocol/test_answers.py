"""HTTP answers: kept as far as they can be read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.protocol import read_history, read_jobs, read_queue, read_stats
from telemetry.protocol.wire import Unreadable
from tests.telemetry.traces import load

READERS = [read_queue, read_history, read_jobs, read_stats]


def item(number, prompt_id="p"):
    return [number, prompt_id, {"1": {"class_type": "A", "inputs": {}}}, {"client_id": "c"}, ["1"]]


def queue(running=(), pending=()):
    return json.dumps({"queue_running": running, "queue_pending": pending}).encode()


def test_it_lists_the_waiting_in_the_order_in_which_they_will_run():
    answer = read_queue(queue(pending=[item(5, "b"), item(9, "c"), item(-2, "a")]))

    assert [entry.prompt_id for entry in answer.pending] == ["a", "b", "c"]


@pytest.mark.parametrize(("number", "assigned"), [("7", True), ("-7", True), ("7.0", False)])
def test_it_knows_whether_comfyui_gave_the_number_itself(number, assigned):
    body = queue(pending=[item(7)]).replace(b"[7,", f"[{number},".encode())

    assert read_queue(body).pending[0].assigned is assigned


def test_it_keeps_the_good_items_beside_a_poisoned_one():
    answer = read_queue(queue(running=[item(1, "good"), [2], [3, ["list"], {}, {}], "text"]))

    assert [entry.prompt_id for entry in answer.running] == ["good"]
    assert answer.malformed == 3


def test_it_reads_items_of_five_and_of_six_parts():
    answer = read_queue(queue(running=[item(1, "old")], pending=[[*item(2, "new"), {}]]))

    assert [e.prompt_id for e in (*answer.running, *answer.pending)] == ["old", "new"]


def test_it_reads_the_end_of_a_failed_prompt_in_a_real_history():
    bodies = [
        r.data["body"]
        for r in load("04-node-exception")
        if r.kind == "response" and r.data["path"].startswith("/history/")
    ]

    (entry,) = read_history(json.dumps(bodies[-1]).encode()).entries

    assert entry.status == "error"
    assert entry.error is not None
    assert (entry.error.node_type, entry.error.exception_type) == ("TTFail", "ValueError")
    assert entry.started_ms is not None
    assert entry.ended_ms > entry.started_ms


def test_it_reads_the_devices_of_a_real_server():
    (body,) = [
        r.data["body"]
        for r in load("01-success")
        if r.kind == "response" and r.data["path"] == "/system_stats"
    ]

    stats = read_stats(json.dumps(body).encode())

    assert stats.comfyui_version == "0.33.0"
    assert [(d.type, d.index) for d in stats.devices] == [("cpu", None)]
    assert stats.devices[0].vram_total == body["devices"][0]["vram_total"]


def test_it_takes_a_lying_device_as_untold_not_as_zero():
    stats = read_stats(
        b'{"system": {"ram_total": -5, "os": 7}, "devices": [{"vram_free": "x"}, {}]}'
    )

    assert (stats.ram_total, stats.os) == (None, None)
    assert [d.vram_free for d in stats.devices] == [None]


def test_it_reads_jobs_and_how_many_there_are():
    body = b'{"jobs": [{"id": "a", "status": "failed"}, {"id": 3}], "pagination": {"total": 12}}'

    answer = read_jobs(body)

    assert [(job.id, job.status) for job in answer.jobs] == [("a", "failed")]
    assert (answer.total, answer.malformed) == (12, 1)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 200_000, b"null", b"3"])
def test_it_says_that_an_answer_is_none(read, body):
    with pytest.raises(Unreadable):
        read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.sampled_from(["prompt", "status", "messages", "a"]), inner, max_size=4)
    ),
    max_leaves=20,
)
KEYS = st.sampled_from(["queue_running", "queue_pending", "jobs", "system", "devices", "x"])


def test_stats_name_comfyuis_packages():
    told = [{"name": "a", "installed": "1"}, {"name": "b"}, {"installed": "3"}, 7, {"name": 8}]
    system = {"comfy_package_versions": told, "required_frontend_version": "1.40"}
    older = {"required_frontend_version": "1.40"}

    packages = [
        read_stats(json.dumps({"system": one, "devices": []}).encode()).packages
        for one in (system, older, {})
    ]

    assert packages == [(("a", "1"), ("b", "")), (("comfyui-frontend-package", "1.40"),), ()]


@pytest.mark.parametrize("read", READERS)
@given(body=st.dictionaries(KEYS, JSON))
def test_it_raises_nothing_but_unreadable(read, body):
    try:
        answer = read(json.dumps(body).encode())
    except Unreadable:
        return
    assert answer is not None
