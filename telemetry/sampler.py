"""The GPUs of this host, read once a second by one thread for all servers of the process.

The thread alone calls NVML, which may hang: whoever asks gets the latest reading at once, or is
told that the driver does not answer. It reads only while somebody asks, so a collector without a
server on its own host never wakes a GPU.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from telemetry.clock import now
from telemetry.nvml import GpuReading, NvmlReadings, NvmlState

log = logging.getLogger(__name__)

EVERY_S = 1.0
RETRY_DELAYS_S = (5.0, 15.0, 60.0)
# While a card is lost: what comes back is found by a new session only.
READINGS_PER_SESSION = 30
HANGS_AFTER_S = 3.0
UNASKED_S = 10.0
STOP_S = 1.0


class Source(Protocol):
    """What is read: NVML."""

    def read(self, at: datetime) -> NvmlReadings:
        """Return the cards now; may block, never raises."""

    def close(self) -> None:
        """End the session; the next read begins a new one."""


class Sampler:
    """One thread that keeps the latest reading."""

    def __init__(self, source: Callable[[], Source], every_s: float = EVERY_S) -> None:
        self._source = source
        self._every_s = every_s
        self._latest: NvmlReadings | None = None
        self._asked_at = float("-inf")
        self._asked = threading.Event()
        self._halting = threading.Event()
        # When the call that goes on now began, None between calls.
        self._calling_since: float | None = None
        self._told: dict[str, bool] = {}
        self._state: NvmlState | None = None
        self._thread = threading.Thread(target=self._run, name="gpu-sampler", daemon=True)

    def start(self) -> None:
        """Start; the first reading is made when somebody asks for one."""
        self._thread.start()

    def stop(self, timeout_s: float = STOP_S) -> bool:
        """End the session and the thread; False where the driver holds it up."""
        self._halting.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def latest(self) -> NvmlReadings | None:
        """Return the newest reading, None before the first; never waits. From any thread."""
        self._asked_at = time.monotonic()
        self._asked.set()
        since = self._calling_since
        if since is not None and time.monotonic() - since > HANGS_AFTER_S:
            hangs = NvmlReadings(NvmlState.HANGS, now())
            self._tell(hangs)
            return hangs
        return self._latest

    def _run(self) -> None:
        source = self._source()
        failures = 0
        while self._wait(source):
            began = self._calling_since = time.monotonic()
            readings = source.read(now())
            self._calling_since = None
            if self._halting.is_set():
                break
            self._latest = readings
            self._tell(readings)
            failures = 0 if _is_whole(readings) else failures + 1
            if readings.state is not NvmlState.OK:
                source.close()
                self._halting.wait(RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S)) - 1])
                continue
            if failures and failures % READINGS_PER_SESSION == 0:
                source.close()
            self._halting.wait(max(0.0, self._every_s - (time.monotonic() - began)))
        source.close()

    def _wait(self, source: Source) -> bool:
        """Wait until somebody asks; False once stopped."""
        if time.monotonic() - self._asked_at > UNASKED_S:
            self._latest = None
            source.close()
            self._asked.clear()
            if time.monotonic() - self._asked_at > UNASKED_S and not self._halting.is_set():
                self._asked.wait()
        return not self._halting.is_set()

    def _tell(self, readings: NvmlReadings) -> None:
        """Log what changed, once."""
        before, self._state = self._state, readings.state
        if before is not readings.state:
            detail = f" ({readings.detail})" if readings.detail else ""
            what = "measured" if readings.state is NvmlState.OK else readings.state
            log.info("GPUs of this host: %s%s", what, detail)
        for device in readings.devices:
            if self._told.get(device.uuid, False) is not device.lost:
                _log_device(device)
            self._told[device.uuid] = device.lost


def _is_whole(readings: NvmlReadings) -> bool:
    lost = any(device.lost for device in readings.devices)
    return readings.state is NvmlState.OK and not lost


def _log_device(device: GpuReading) -> None:
    if device.lost:
        log.warning("GPU %s (%s) no longer answers the driver", device.name, device.uuid)
    else:
        log.info("GPU %s (%s) answers again", device.name, device.uuid)
