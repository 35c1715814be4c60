"""The thread that reads this host's GPUs: on demand, through every failure, never in the way."""

import logging
import threading
import time

import pytest

from telemetry import sampler as sampler_module
from telemetry.nvml import Nvml, NvmlState
from telemetry.sampler import Sampler
from tests.nvml import RTX_4090
from tests.processes import until


@pytest.fixture
def sampler(driver, monkeypatch):
    monkeypatch.setattr(sampler_module, "RETRY_DELAYS_S", (0.02,))
    sampler = Sampler(Nvml, every_s=0.01)
    sampler.start()
    yield sampler
    driver.general(hang=None)
    assert sampler.stop(10)


def state(sampler):
    told = sampler.latest()
    return told and told.state


def card(sampler):
    told = sampler.latest()
    return told.devices[0] if told and told.devices else None


def is_ok(sampler):
    return state(sampler) is NvmlState.OK


def said(caplog):
    return [
        record.getMessage() for record in caplog.records if record.name == sampler_module.__name__
    ]


def test_it_keeps_the_newest_reading(sampler, driver):
    driver.tells(RTX_4090)
    until(lambda: is_ok(sampler), "the first reading")
    driver.card(0, utilisation=12)

    until(lambda: card(sampler).utilisation_percent == 12, "the change")


def test_it_asks_nothing_while_nobody_asks_it(driver):
    asked = threading.Event()

    class Source(Nvml):
        def read(self, at):
            asked.set()
            return super().read(at)

    sampler = Sampler(Source, every_s=0.01)
    sampler.start()

    assert not asked.wait(0.2)
    sampler.latest()
    assert asked.wait(10)
    assert sampler.stop(10)


def test_it_ends_the_session_when_nobody_asks_any_more(driver, monkeypatch):
    monkeypatch.setattr(sampler_module, "UNASKED_S", 0.05)
    closed = threading.Event()

    class Source(Nvml):
        def close(self):
            if self._open:
                closed.set()
            super().close()

    driver.tells(RTX_4090)
    sampler = Sampler(Source, every_s=0.01)
    sampler.start()
    sampler.latest()

    assert closed.wait(10)
    assert sampler.stop(10)


def test_it_logs_a_card_that_goes_and_comes_back_once_each(sampler, driver, caplog):
    caplog.set_level(logging.INFO)
    driver.tells(RTX_4090)
    until(lambda: is_ok(sampler), "the first reading")
    driver.card(0, handle="!15")
    until(lambda: card(sampler).lost, "the loss")
    seen = sampler.latest().at
    until(lambda: sampler.latest().at > seen, "another reading of the loss")
    driver.card(0, handle=None)
    until(lambda: not card(sampler).lost, "the return")
    # A reading can be seen a moment before it is told of.
    until(lambda: len(said(caplog)) == 3, "the word of it")

    name = f"{RTX_4090['name']} ({RTX_4090['uuid']})"
    assert said(caplog) == [
        "GPUs of this host: measured",
        f"GPU {name} no longer answers the driver",
        f"GPU {name} answers again",
    ]


def test_it_finds_a_card_again_that_only_a_new_session_lists(sampler, driver):
    driver.tells(RTX_4090)
    until(lambda: is_ok(sampler), "the first reading")
    driver.tells(get_count="!18")
    until(lambda: state(sampler) is NvmlState.FAILED, "the end of the session")
    driver.general(get_count=None)
    until(lambda: is_ok(sampler) and card(sampler).lost, "a session without the card")
    driver.tells(RTX_4090)

    until(lambda: not card(sampler).lost, "the return")


def test_it_finds_the_first_card_of_a_host_that_had_none(sampler, driver):
    until(lambda: state(sampler) is NvmlState.NO_GPU, "the state")
    driver.tells(RTX_4090)

    until(lambda: is_ok(sampler), "the card")


def test_it_waits_for_a_driver_and_says_once_that_there_is_none(sampler, driver, caplog):
    caplog.set_level(logging.INFO)
    driver.tells(RTX_4090, init="!9")
    until(lambda: state(sampler) is NvmlState.NO_DRIVER, "the state")
    seen = sampler.latest().at
    until(lambda: sampler.latest().at > seen, "another try")
    driver.tells(RTX_4090)
    until(lambda: is_ok(sampler), "the driver")

    assert said(caplog) == [
        "GPUs of this host: the NVIDIA driver is not loaded (Driver Not Loaded)",
        "GPUs of this host: measured",
    ]


def test_it_answers_at_once_while_the_driver_hangs_and_goes_on_after(sampler, driver, monkeypatch):
    driver.tells(RTX_4090)
    until(lambda: is_ok(sampler), "the first reading")
    monkeypatch.setattr(sampler_module, "HANGS_AFTER_S", 0.2)
    driver.general(hang=1)
    until(lambda: state(sampler) is NvmlState.HANGS, "the state")
    began = time.monotonic()
    sampler.latest()

    assert time.monotonic() - began < 1
    driver.general(hang=None)
    until(lambda: is_ok(sampler), "the recovery")


def test_it_does_not_hold_up_the_end_when_the_driver_hangs(driver):
    driver.tells(RTX_4090, hang=1)
    sampler = Sampler(Nvml)
    sampler.start()
    sampler.latest()
    until(lambda: sampler._calling_since is not None, "the call that hangs")
    began = time.monotonic()

    assert sampler.stop(0.1) is False
    assert time.monotonic() - began < 1
    driver.general(hang=None)
    assert sampler.stop(10)
