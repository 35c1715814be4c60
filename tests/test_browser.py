"""The stage of the browser tests (tests/browser.py) ends without leaving anything open."""

import asyncio
import gc
import socket
import warnings

from tests.browser import Stage


def test_a_stage_closes_also_a_connection_that_was_just_accepted() -> None:
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        stage = Stage()
        with socket.socket() as browser:

            async def end_between_accepting_and_handing_on() -> None:
                browser.connect(stage.address)
                await asyncio.sleep(0)  # the loop sees that somebody is there
                await asyncio.sleep(0)  # and has accepted; the next turn hands on
                await stage.end()

            stage.call(end_between_accepting_and_handing_on())
            stage.stop()
            gc.collect()

            assert browser.recv(1) == b""
    assert complaints == []
