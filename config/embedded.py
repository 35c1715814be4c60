"""One process: Daphne in the main thread, a Celery worker with beat and collector in another.

Proved with its traps in docs/embedded.md: beat must be a thread (Celery's own is a process, which
the in-memory broker cannot reach), the worker's optimisations must be set up by hand (else pool
threads have no current app), and the worker is stopped while the reactor still runs.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import daphne.server  # installs Twisted's asyncio reactor: before any other import of the reactor
from celery import bootsteps
from celery.app import trace
from celery.beat import EmbeddedService
from celery.worker import state as worker_state
from channels.layers import get_channel_layer
from twisted.internet import reactor as installed_reactor
from twisted.internet import threads

from config.asgi import application
from config.celery import CollectorStep, app

log = logging.getLogger(__name__)

# Twisted types its reactor as the least of all reactors.
reactor: Any = installed_reactor
HOSTNAME = "embedded@scenewatch"
# The promise is 5 s; what does not stop by then is ended.
STOP_S = 4.5


class ThreadBeat(bootsteps.StartStopStep):
    """Beat as a thread of this process."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, thread_beat: bool = False, **kwargs: Any) -> None:
        self.enabled = thread_beat
        super().__init__(worker, **kwargs)

    def include_if(self, worker: Any) -> bool:
        """Say whether this worker beats; only the embedded one does."""
        return self.enabled

    def create(self, worker: Any) -> Any:
        """Return beat's thread, with its schedule in memory."""
        return EmbeddedService(worker.app, thread=True, scheduler_cls="celery.beat:Scheduler")


app.steps["worker"].add(ThreadBeat)


class WorkerThread(threading.Thread):
    """The Celery worker."""

    def __init__(self) -> None:
        super().__init__(name="celery-worker", daemon=True)
        self.failed = False
        self._controller: Any = None

    def run(self) -> None:
        """Work until stopped."""
        try:
            trace.setup_worker_optimizations(app, HOSTNAME)
            self._controller = app.WorkController(
                pool="threads",
                concurrency=4,
                hostname=HOSTNAME,
                loglevel="INFO",
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
                collector=True,
                thread_beat=True,
            )
            self._controller.start()
        except Exception:
            self.failed = True
            log.exception("the worker ended by an error; the site stops")
            _call_in_reactor(_stop_reactor)

    def shutdown(self) -> None:
        """Ask the worker to end; return once collector and beat have, and no task is at work.

        The worker itself looks up from its queue only after 2 to 4 s, and would begin to stop its
        steps then: too late for what the collector still has to write.
        """
        setattr(worker_state, "should_stop", 0)  # noqa: B010  typed as None, read as an exit code
        for step in getattr(self._controller, "steps", ()):
            if isinstance(step, CollectorStep | ThreadBeat):
                step.stop(self._controller)
        while self.is_alive() and worker_state.active_requests:
            self.join(0.05)


def _call_in_reactor(call: Callable[[], None]) -> None:
    reactor.callFromThread(call)


def _stop_reactor() -> None:
    if reactor.running:
        reactor.stop()


def run(host: str, port: int, up: Callable[[], None]) -> bool:
    """Serve until SIGINT or SIGTERM; call `up` once the page answers. False after an error."""
    worker = WorkerThread()
    endpoint = f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"
    server = daphne.server.Server(
        application=application,
        endpoints=[endpoint],
        signal_handlers=False,
        action_logger=None,
        ping_interval=20,
        ping_timeout=30,
        application_close_timeout=1,
        verbosity=0,
        server_name="Scenewatch",
        ready_callable=lambda: _ready(worker, up),
    )
    _end_on_signals()
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: threads.deferToThread(worker.shutdown)
    )
    server.run()
    return not worker.failed


def _ready(worker: WorkerThread, up: Callable[[], None]) -> None:
    layer: Any = get_channel_layer()
    if hasattr(layer, "bind"):
        layer.bind(asyncio.get_event_loop())
    worker.start()
    up()


def _end_on_signals() -> None:
    """Stop cleanly on the first signal, at once on the second, by force after STOP_S."""
    stopping = threading.Event()

    def end(number: int, frame: Any) -> None:
        if stopping.is_set():
            os._exit(130)
        stopping.set()
        log.info("stopping (%s)", signal.Signals(number).name)
        timer = threading.Timer(STOP_S, _end_by_force)
        timer.daemon = True
        timer.start()
        _call_in_reactor(_stop_reactor)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _end_by_force() -> None:
    log.error(
        "something did not stop within %.1f s; ended by force, nothing recorded is lost", STOP_S
    )
    os._exit(0)
