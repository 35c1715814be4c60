"""`serve` as a person runs it: real processes, real sockets, real signals."""

import contextlib
import re
import signal
import socket
import sqlite3
import time

import pytest

from tests.processes import Site, ends, free_port, simulator, submit, until


def test_it_serves_the_demo_and_says_how_to_sign_in(started):
    site = started(Site, "--demo", bare=True, SCENEWATCH_HOUSEKEEPING_S="1").up()

    assert re.search(r"http://127\.0\.0\.1:\d+/sign-in/\S+/", site.output)
    assert site.status() == 200
    assert site.rows("select count(*) from telemetry_server where simulated") == [(3,)]
    site.said("housekeeping:")  # beat and a worker's task


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_within_five_seconds(started, number):
    site = started(Site, "--demo").up()
    site.said("collector step started")
    began = time.monotonic()

    site.signal(number)

    assert site.ends() == 0
    assert time.monotonic() - began < 5
    assert "collector step stopped" in site.output
    assert "Traceback" not in site.output


def test_it_stops_what_it_records_first_and_waits_for_no_idle_worker(started):
    site = started(Site, "--comfyui", f"http://127.0.0.1:{free_port()}").up()
    site.said("collector step started")
    began = time.monotonic()

    site.signal(signal.SIGTERM)

    assert site.ends() == 0
    assert time.monotonic() - began < 3  # a worker looks up from its queue after 2 to 4 s
    assert "collector step stopped\n" in site.output  # and not: (not in time)


def test_it_refuses_a_second_start_on_the_same_data(started):
    first = started(Site).up()

    second = started(Site)

    assert second.ends() == 1
    assert "already runs on the data folder" in second.output
    assert f"process {first.popen.pid}" in second.output


def test_it_says_what_to_do_when_the_port_is_taken(started):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site = started(Site, port=taken.getsockname()[1])

        assert site.ends() == 1
    assert "is taken by another program. Use another one: --port" in site.output


def test_it_says_which_server_does_not_answer_and_serves_all_the_same(started):
    site = started(Site, "--comfyui", f"http://127.0.0.1:{free_port()}").up()

    assert "does not answer: connection refused. It is tried again until it does." in site.output
    assert site.status() == 200


def test_it_says_that_an_address_is_none(started):
    site = started(Site, "--comfyui", "ftp://gpu-3")

    assert site.ends() == 1
    assert "is not a ComfyUI address; write it like http://gpu-3:8188." in site.output


def test_it_takes_the_admins_password_from_the_environment(started):
    site = started(Site, SCENEWATCH_ADMIN_PASSWORD="correct horse battery").up()

    assert "with the password from SCENEWATCH_ADMIN_PASSWORD" in site.output
    assert "sign-in/" not in site.output


def test_it_starts_again_on_the_same_data(started):
    port = free_port()
    simulator(started, port)
    first = started(Site, "--comfyui", f"http://127.0.0.1:{port}").up()
    prompt_id = submit(port)
    until(lambda: ends(first).get(prompt_id), "the end")
    first.signal(signal.SIGTERM)
    first.ends()

    second = started(Site).up()

    assert ends(second) == {prompt_id: "success"}
    assert second.status() == 200


def test_it_records_each_prompt_once_though_the_site_is_killed_in_the_middle(started):
    port = free_port()
    simulator(started, port)
    first = started(Site, "--comfyui", f"http://127.0.0.1:{port}").up()
    ids = [submit(port, steps=40), submit(port, steps=41), submit(port, steps=20)]
    until(lambda: first.rows("select 1 from history_attempt where status = 'running'"), "a run")
    first.signal(signal.SIGKILL)
    first.ends()

    second = started(Site).up()

    until(lambda: len(ends(second)) == 3, "all ends")
    assert ends(second) == dict.fromkeys(ids, "success")
    assert second.rows("select count(*) from history_attempt") == [(3,)]
    assert second.rows("select reason from telemetry_blindwindow") == [
        ("Scenewatch was not watching",)
    ]


def test_it_calls_lost_what_a_killed_comfyui_took_along(started):
    port = free_port()
    comfyui = simulator(started, port)
    site = started(Site, "--comfyui", f"http://127.0.0.1:{port}").up()
    done = submit(port, steps=1)
    until(lambda: ends(site).get(done), "the first end")
    ids = [submit(port, steps=400), submit(port, steps=20)]
    until(lambda: len(site.rows("select 1 from history_attempt")) == 3, "all three")
    comfyui.signal(signal.SIGKILL)
    until(
        lambda: site.rows("select 1 from history_activityevent where kind = 'offline'"), "offline"
    )
    simulator(started, port)

    until(lambda: len(ends(site)) == 3, "the verdict")
    assert ends(site) == {done: "success", ids[0]: "lost", ids[1]: "lost"}


def test_it_calls_lost_what_comfyui_forgot_while_the_site_was_away(started):
    port = free_port()
    comfyui = simulator(started, port)
    first = started(Site, "--comfyui", f"http://127.0.0.1:{port}").up()
    ids = [submit(port, steps=400), submit(port, steps=20)]
    until(lambda: len(first.rows("select 1 from history_attempt")) == 2, "both")
    first.signal(signal.SIGKILL)
    comfyui.signal(signal.SIGKILL)
    first.ends()
    comfyui.ends()
    simulator(started, port)

    second = started(Site).up()

    until(lambda: len(ends(second)) == 2, "the verdict")
    assert ends(second) == dict.fromkeys(ids, "lost")


def test_it_goes_on_after_comfyui_was_frozen_in_the_middle(started):
    port = free_port()
    comfyui = simulator(started, port)
    site = started(
        Site, "--comfyui", f"http://127.0.0.1:{port}", SCENEWATCH_REQUEST_TIMEOUT_S="1"
    ).up()
    prompt_id = submit(port, steps=60)
    until(lambda: site.rows("select 1 from history_attempt where status = 'running'"), "the run")
    comfyui.signal(signal.SIGSTOP)
    # Nobody answers this long, which is what is tested: up to 2 s until the next poll asks, and
    # more than 3 s from then on.
    time.sleep(8)
    comfyui.signal(signal.SIGCONT)

    until(lambda: ends(site).get(prompt_id), "the end")
    assert ends(site) == {prompt_id: "success"}
    until(lambda: site.rows("select 1 from telemetry_blindwindow"), "the blind window")


def test_it_retries_a_task_that_failed(started):
    site = started(Site, SCENEWATCH_HOUSEKEEPING_S="1").up()
    with contextlib.closing(sqlite3.connect(site.data / "scenewatch.sqlite3")) as db:
        db.execute("alter table telemetry_signinlink rename to away")
        site.said("Retry in")
        db.execute("alter table away rename to telemetry_signinlink")
    failed = len(site.output)

    until(lambda: "housekeeping: 0 expired" in site.output[failed:], "the task's success")
