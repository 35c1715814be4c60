"""The Celery app: tasks, beat's schedule, and the collector as a step of a worker.

A step and not a never-ending task: it takes no pool slot, is not delivered again when the broker's
visibility timeout passes, and starts and stops with the worker.
"""

import logging
import os
import socket
import uuid
from typing import Any

import click
from celery import Celery, bootsteps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log = logging.getLogger(__name__)

app = Celery("scenewatch")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["config"])
app.user_options["worker"].add(
    click.Option(
        ("--collector",), is_flag=True, default=False, help="Follow ComfyUI servers in this worker."
    )
)


class CollectorStep(bootsteps.StartStopStep):
    """Follow servers while the worker lives: the recorder's thread and the collector's."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, collector: bool = False, **kwargs: Any) -> None:
        self.enabled = collector
        self.collector: Any = None
        self.writer: Any = None
        super().__init__(worker, **kwargs)

    def include_if(self, worker: Any) -> bool:
        """Say whether this worker collects: `celery worker --collector`, and `serve`."""
        return self.enabled

    def start(self, worker: Any) -> None:
        """Start the writer, then the collector that feeds it."""
        from config.collecting import new_collector

        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.collector, self.writer = new_collector(owner)
        self.writer.start()
        self.collector.start()
        log.info("collector step started as %s", owner)

    def stop(self, worker: Any) -> None:
        """Stop collecting, then write what still waits; again does nothing."""
        collector, self.collector = self.collector, None
        if collector is None:
            return
        in_time = collector.stop()
        written = self.writer.stop()
        log.info("collector step stopped%s", "" if in_time and written else " (not in time)")

    def terminate(self, worker: Any) -> None:
        """Stop as `stop` does: a collector has no slow way and a quick one."""
        self.stop(worker)


app.steps["worker"].add(CollectorStep)
