"""How far a long command is: a bar with the time left on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import click
from django.core.management.base import BaseCommand

TELL_S = 3.0


@contextmanager
def progress(
    command: BaseCommand, label: str, total: int, things: str
) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many more of the `total` things are done."""
    if not command.stdout.isatty():
        yield _Teller(command, total, things)
        return
    with click.progressbar(
        length=total, label=label, show_pos=True, show_eta=True, file=sys.stdout
    ) as bar:
        yield bar.update


class _Teller:
    """Says how far it is, and how long it will take, but not all the time."""

    def __init__(self, command: BaseCommand, total: int, things: str) -> None:
        self.command, self.total, self.things, self.done = command, total, things, 0
        self.began = self.told = time.monotonic()

    def __call__(self, some: int) -> None:
        self.done += some
        at = time.monotonic()
        if not self.done or at - self.told < TELL_S:
            return
        self.told = at
        left_s = (at - self.began) * max(0.0, self.total / self.done - 1)
        self.command.stdout.write(
            f"{self.done:,} of {self.total:,} {self.things}, "
            f"about {timedelta(seconds=round(left_s))} to go"
        )
        self.command.stdout.flush()
