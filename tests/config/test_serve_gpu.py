"""`serve` beside a ComfyUI on one host with a card: the driver's figures, on record and shown."""

import re
import signal
import urllib.parse
import urllib.request

import pytest
from django.utils.html import strip_tags

from tests.nvml import MIB, RTX_4090
from tests.processes import Site, ends, free_port, simulator, submit, until

PASSWORD = "correct horse battery"
IDLE = RTX_4090["free"]
AT_WORK = IDLE - 9_000 * MIB
ROWS = """
    select prompt_id, name, uuid, free_before_bytes, free_lowest_bytes, free_after_bytes, grade
    from history_attemptmemory m join history_attempt a on a.id = m.attempt_id
"""


@pytest.fixture
def comfyui(started):
    port = free_port()
    simulator(started, port)
    return port


def serve(started, driver, comfyui, **env):
    return started(
        Site,
        "--comfyui",
        f"http://127.0.0.1:{comfyui}",
        SCENEWATCH_ADMIN_PASSWORD=PASSWORD,
        **driver.env,
        **env,
    ).up()


class Wall:
    """The wall, as a person gets it who signed in."""

    def __init__(self, site):
        self.url = f"http://127.0.0.1:{site.port}"
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get("/login/")).group(1)
        form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
        self.get("/login/", urllib.parse.urlencode(form).encode())

    def get(self, path, body=None):
        with self.opener.open(self.url + path, body, timeout=5) as response:
            return response.read().decode()

    @property
    def gpus(self):
        found = re.search(r'<ul class="gpus.*?</ul>', self.get("/"), re.DOTALL)
        return found.group() if found else ""


def test_it_records_and_shows_what_the_driver_measures(started, driver, comfyui):
    driver.tells(RTX_4090)
    site = serve(started, driver, comfyui)
    wall = Wall(site)
    until(lambda: site.rows("select 1 from telemetry_device where uuid != ''"), "the card")

    prompt_id = submit(comfyui, steps=160)
    until(lambda: site.rows("select 1 from history_attempt where status = 'running'"), "the run")
    driver.card(0, free=AT_WORK, utilisation=99)
    until(lambda: "99%" in wall.gpus, "the load on the wall")
    driver.card(0, free=IDLE)
    until(lambda: site.rows(ROWS), "the memory of the attempt")

    ((told, name, *figures, grade),) = site.rows(ROWS)
    assert (told, grade) == (prompt_id, "measured")
    assert "RTX 4090" in name
    assert figures == [RTX_4090["uuid"], IDLE, AT_WORK, IDLE]
    shown = wall.gpus
    assert 'title="Memory used, measured"' in shown
    assert "0.6 / 23.6" in strip_tags(shown)


def test_it_goes_on_without_a_card_and_takes_it_up_again(started, driver, comfyui):
    driver.tells(RTX_4090)
    site = serve(started, driver, comfyui)
    wall = Wall(site)
    until(lambda: "Memory used, measured" in wall.gpus, "the measured memory")

    driver.card(0, handle="!15")
    until(lambda: ": the driver no longer reaches it" in wall.gpus, "the loss")
    assert "Memory used, polled" in wall.gpus
    driver.card(0, handle=None)
    until(lambda: "Memory used, measured" in wall.gpus, "the return")

    site.signal(signal.SIGTERM)
    assert site.ends() == 0
    assert "Traceback" not in site.output
    assert site.output.count("no longer answers the driver") == 1
    assert site.output.count("answers again") == 1


def test_it_works_with_a_driver_that_hangs_and_stops_in_time(started, driver, comfyui):
    driver.tells(RTX_4090, hang=1)
    site = serve(started, driver, comfyui)
    wall = Wall(site)
    prompt_id = submit(comfyui, steps=5)

    until(lambda: ends(site).get(prompt_id), "the end")
    until(lambda: "the NVIDIA driver does not answer" in wall.gpus, "the state")
    site.signal(signal.SIGTERM)
    assert site.ends(within=6) == 0
    assert "Traceback" not in site.output


def test_it_leaves_the_driver_alone_where_it_is_told_to(started, driver, comfyui):
    driver.tells(RTX_4090)
    site = serve(started, driver, comfyui, SCENEWATCH_GPU="off")
    wall = Wall(site)

    until(lambda: "Memory used, polled" in wall.gpus, "the polled memory")
    assert "Sensors" not in wall.gpus
    assert "GPUs of this host" not in site.output
