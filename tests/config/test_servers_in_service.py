"""What happens to a followed server whose settings are changed: a real site, real simulators."""

import contextlib
import sqlite3

import pytest

from tests.processes import Site, ends, free_port, simulator, submit, until


def change(site, **fields):
    """Change the one server as the site admin would, in the site's database."""
    names = ", ".join(f"{name} = ?" for name in fields)
    with contextlib.closing(sqlite3.connect(site.data / "scenewatch.sqlite3", timeout=20)) as db:
        db.execute(f"update telemetry_server set {names}", tuple(fields.values()))
        db.commit()


def activity(site):
    return dict(site.rows("select text, detail from history_activityevent"))


@pytest.fixture
def watched(started):
    """Return a site that has seen one prompt end and sees another run on port 1 of two."""
    ports = free_port(), free_port()
    for port in ports:
        simulator(started, port)
    site = started(Site, "--comfyui", f"http://127.0.0.1:{ports[0]}", SCENEWATCH_POLL_BUSY_S="0.2")
    site.up()
    first = submit(ports[0], steps=2)
    until(lambda: ends(site).get(first) == "success", "the first end")
    second = submit(ports[0], steps=80)
    open_ = "select prompt_id from history_attempt where status = 'running'"
    until(lambda: site.rows(open_) == [(second,)], "the second prompt at work")
    return site, ports, first, second


def test_the_same_comfyui_at_another_address_goes_on(watched):
    site, ports, first, second = watched

    change(site, url=f"http://localhost:{ports[0]}", name="renamed")

    told = f"Its address changed to http://localhost:{ports[0]}"
    until(lambda: told in activity(site), "the change of address")
    assert activity(site)[told] == "the same ComfyUI goes on"
    until(lambda: second in ends(site), "the end of what ran")
    assert ends(site) == {first: "success", second: "success"}
    assert site.rows("select count(*) from history_attempt") == [(2,)]
    assert site.rows("select url from telemetry_lease") == [(f"http://localhost:{ports[0]}",)]


def test_another_comfyui_at_another_address_begins_beside_the_old_history(watched):
    site, ports, first, second = watched

    change(site, url=f"http://127.0.0.1:{ports[1]}")

    told = f"Its address changed to http://127.0.0.1:{ports[1]}"
    until(lambda: told in activity(site), "the change of address")
    assert activity(site)[told] == "another ComfyUI; 1 attempt lost"
    assert ends(site) == {first: "success", second: "lost"}
    third = submit(ports[1], steps=2)
    until(lambda: ends(site).get(third) == "success", "a prompt on the other machine")
    reasons = [row[0] for row in site.rows("select reason from telemetry_blindwindow")]
    assert told.replace("Its", "its") in reasons
    assert "ComfyUI restarted" not in " ".join(activity(site))


def test_a_renamed_comfyui_is_not_connected_to_anew(watched):
    site, _, first, second = watched

    change(site, name="renamed")

    until(lambda: second in ends(site), "the end of what ran")
    assert ends(site) == {first: "success", second: "success"}
    assert site.output.count("following ") == 1


def test_a_disabled_comfyui_keeps_its_history_and_goes_on_when_enabled(watched):
    site, _, first, second = watched

    change(site, enabled=False)
    until(lambda: site.rows("select owner from telemetry_lease") == [("",)], "letting go")
    change(site, enabled=True)

    until(lambda: second in ends(site), "the end of what ran")
    assert ends(site) == {first: "success", second: "success"}
    reasons = site.rows("select reason from telemetry_blindwindow")
    assert ("Scenewatch was not watching",) in reasons


def test_a_deleted_comfyui_keeps_its_history(watched):
    site, _, first, _ = watched

    change(site, enabled=False, deleted_at="2026-01-01 00:00:00")
    until(lambda: site.rows("select owner from telemetry_lease") == [("",)], "letting go")

    assert ends(site) == {first: "success"}
    assert site.rows("select count(*) from history_attempt") == [(2,)]
