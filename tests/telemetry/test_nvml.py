"""NVIDIA's library, asked for real: pynvml loads a fake of it that was compiled for the tests."""

import subprocess
import sys

import pynvml
import pytest

from telemetry.nvml import Nvml, NvmlState
from tests.nvml import MIB, RTX_4090
from tests.telemetry.test_machine import BEGAN

NOT_SUPPORTED, NO_PERMISSION, NOT_LOADED, FUNCTION_NOT_FOUND, IS_LOST, VERSION_MISMATCH = (
    "!3",
    "!4",
    "!9",
    "!13",
    "!15",
    "!18",
)
H200 = {**RTX_4090, "uuid": "GPU-h200", "name": "NVIDIA H200", "total": 143_771 * MIB}


@pytest.fixture
def nvml(driver):
    session = Nvml()
    yield session
    driver.tells()
    session.close()


def read(nvml):
    return nvml.read(BEGAN)


def test_it_reads_a_card_in_the_units_of_the_project(nvml, driver):
    driver.tells(RTX_4090)

    told = read(nvml)

    assert (told.state, told.at) == (NvmlState.OK, BEGAN)
    (card,) = told.devices
    assert (card.uuid, card.name) == (RTX_4090["uuid"], "NVIDIA GeForce RTX 4090")
    assert (card.utilisation_percent, card.temperature_c, card.power_w) == (97, 74, 431.2)
    assert not card.lost


@pytest.mark.parametrize(("told", "version"), [("570.86.10", "570.86.10"), (NOT_SUPPORTED, None)])
def test_it_reads_the_drivers_version_where_it_is_told(nvml, driver, told, version):
    driver.tells(RTX_4090, driver=told)

    assert read(nvml).driver == version


def test_it_takes_what_the_driver_keeps_for_itself_off_the_total(nvml, driver):
    driver.tells(RTX_4090)

    (card,) = read(nvml).devices

    assert card.total_bytes == 25_386_352_640  # what CUDA, and so ComfyUI, calls total
    assert card.used_bytes == 620 * MIB
    assert card.used_bytes + card.free_bytes == card.total_bytes


def test_it_reads_the_memory_of_a_driver_that_does_not_tell_its_own_share(nvml, driver):
    driver.tells({**RTX_4090, "memory_v2": FUNCTION_NOT_FOUND})

    (card,) = read(nvml).devices

    assert (card.total_bytes, card.reserve_told) == (RTX_4090["total"], False)
    assert card.free_bytes == RTX_4090["free"]


@pytest.mark.parametrize(
    ("figure", "field"),
    [
        ("utilisation", "utilisation_percent"),
        ("temperature", "temperature_c"),
        ("power", "power_w"),
        ("total", "free_bytes"),
    ],
)
@pytest.mark.parametrize("error", [NOT_SUPPORTED, NO_PERMISSION, "!999"])
def test_it_leaves_out_the_one_figure_that_is_not_told(nvml, driver, figure, field, error):
    driver.tells({**RTX_4090, figure: error})

    (card,) = read(nvml).devices

    assert getattr(card, field) is None
    told = {"utilisation_percent", "temperature_c", "power_w", "free_bytes"} - {field}
    assert all(getattr(card, other) is not None for other in told)


def test_it_takes_an_impossible_figure_as_untold(nvml, driver):
    driver.tells({**RTX_4090, "utilisation": 4_000_000, "temperature": 4_294_967_295})

    (card,) = read(nvml).devices

    assert (card.utilisation_percent, card.temperature_c) == (None, None)


def test_it_calls_a_card_that_vanishes_lost_and_knows_it_when_it_is_back(nvml, driver):
    driver.tells(RTX_4090, H200)
    read(nvml)
    driver.card(0, handle=IS_LOST)

    told = {card.uuid: card for card in read(nvml).devices}

    assert [told["GPU-h200"].lost, told[RTX_4090["uuid"]].lost] == [False, True]
    assert told[RTX_4090["uuid"]].name == "NVIDIA GeForce RTX 4090"
    assert told[RTX_4090["uuid"]].free_bytes is None
    driver.card(0, handle=None)
    assert [card.lost for card in read(nvml).devices] == [False, False]


def test_it_calls_a_card_lost_that_a_new_session_does_not_list(nvml, driver):
    driver.tells(H200, RTX_4090)
    read(nvml)
    driver.tells(H200)
    nvml.close()

    assert [card.lost for card in read(nvml).devices] == [False, True]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (NOT_LOADED, NvmlState.NO_DRIVER),
        (NO_PERMISSION, NvmlState.NO_PERMISSION),
        (VERSION_MISMATCH, NvmlState.FAILED),
        ("!999", NvmlState.FAILED),
    ],
)
def test_it_says_why_it_cannot_begin_and_begins_later(nvml, driver, error, state):
    driver.tells(RTX_4090, init=error)

    assert (read(nvml).state, read(nvml).devices) == (state, ())
    driver.general(init=None)
    assert read(nvml).state is NvmlState.OK


def test_it_says_that_there_is_no_gpu(nvml, driver):
    driver.tells()

    assert read(nvml).state is NvmlState.NO_GPU


def test_it_says_that_it_may_see_none_of_the_cards(nvml, driver):
    driver.tells({**RTX_4090, "handle": NO_PERMISSION})

    assert read(nvml).state is NvmlState.NO_PERMISSION


def test_it_tells_the_cards_that_it_may_see(nvml, driver):
    driver.tells({**RTX_4090, "handle": NO_PERMISSION}, H200)

    assert [card.uuid for card in read(nvml).devices] == ["GPU-h200"]


def test_it_begins_a_new_session_when_the_driver_was_replaced(nvml, driver):
    driver.tells(RTX_4090)
    read(nvml)
    driver.general(get_count=VERSION_MISMATCH)
    assert read(nvml).state is NvmlState.FAILED
    driver.general(get_count=None)

    assert read(nvml).state is NvmlState.OK


def test_it_says_that_no_driver_is_installed(monkeypatch):
    def absent(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "CDLL", absent)

    told = Nvml().read(BEGAN)

    assert (told.state, told.devices) == (NvmlState.NO_LIBRARY, ())


def test_it_is_not_imported_by_who_never_asks():
    code = "import sys, telemetry.nvml, telemetry.sampler; sys.exit('pynvml' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
