"""Delete what is older than the settings allow, or say what that would be."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from history import retention, turn
from history.pace import LARGEST, Pace
from history.preview import count
from history.purge import Purge, Stopped
from history.tally import Line, Tally, table
from telemetry.clock import now

TELL_S = 3.0


def rules(text: str) -> list[str]:
    """Return the rules that a comma-separated list names."""
    names = [name for name in (part.strip() for part in text.split(",")) if name]
    unknown = [name for name in names if name not in retention.RULES]
    if unknown or not names:
        raise ArgumentTypeError(
            f"{', '.join(unknown) or 'nothing'} is nothing that is purged; "
            f"write some of: {', '.join(retention.RULES)}"
        )
    return names


def moment(text: str) -> datetime:
    """Return the time that a text in ISO 8601 tells; without a zone it is UTC."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time; write it like 2026-11-20T03:00Z") from None
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    if told > now():
        raise ArgumentTypeError(f"{text} is still to come, and what is kept now would be too old")
    return told


def whole(low: int, high: int) -> Any:
    """Return a reader of whole numbers from low to high."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
            raise ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return read


class Command(BaseCommand):
    """Purge by hand: the same rules as by night, with a progress bar."""

    help = "Delete what is older than SCENEWATCH_KEEP_…_DAYS says (docs/retention.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="count and delete nothing")
        parser.add_argument(
            "--only",
            type=rules,
            default=list(retention.RULES),
            metavar="WHAT,…",
            help=f"some of {', '.join(retention.RULES)}; all of them unless given",
        )
        parser.add_argument(
            "--keep-runs-days",
            type=whole(0, 36_500),
            metavar="N",
            help="overrules SCENEWATCH_KEEP_RUNS_DAYS this once; 0 keeps all",
        )
        parser.add_argument(
            "--batch",
            type=whole(1, LARGEST),
            default=LARGEST,
            metavar="N",
            help=f"at most so many at once; up to {LARGEST} unless given, fewer where that is slow",
        )
        parser.add_argument(
            "--now", type=moment, metavar="TIME", help="count ages from this time, in ISO 8601"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Count; then, unless that was all, delete."""
        days = options["keep_runs_days"]
        if days is not None and "runs" not in options["only"]:
            raise CommandError("--keep-runs-days is of no use where --only leaves out runs.")
        keep = {} if days is None else {"runs": days}
        due = retention.due(options["now"] or now(), options["only"], keep)
        if not due:
            self.stdout.write("Nothing is purged: all of that is kept for ever.")
            return
        try:
            if options["dry_run"]:
                self._preview(due)
            else:
                all_of_it = options["now"] is None and set(options["only"]) == set(retention.RULES)
                self._purge(due, options["batch"], all_of_it)
        except OperationalError as error:
            raise CommandError(
                f"The database gave up: {str(error).strip()}. What was deleted stays deleted; "
                "run the command again to go on."
            ) from error

    def _preview(self, due: list[retention.Due]) -> None:
        tally = Tally()
        count(due, tally)
        self.stdout.write(table(tally, "would be deleted"))

    def _purge(self, due: list[retention.Due], largest: int, all_of_it: bool) -> None:
        mine = turn.take()
        if mine is None:
            raise CommandError(
                "Another purge is at work; wait until it has ended. One whose process died is over "
                f"after {turn.HELD_S:.0f} s."
            )
        finished_at = None
        work = Purge(due, mine, pace=Pace(largest))
        try:
            expected = Tally()
            count(due, expected)
            with self._progress(sum(line.rows for line in expected.lines.values()), work.tally):
                work.run()
            finished_at = now() if all_of_it else None
        except Stopped as reason:
            raise CommandError(f"The purge ended early: {reason}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped; run the command again to go on.") from None
        finally:
            mine.give_back(finished_at)
            self.stdout.write(table(work.tally, "deleted"))

    @contextmanager
    def _progress(self, total: int, tally: Tally) -> Iterator[None]:
        """Show a bar on a terminal, else a line every few seconds."""
        if not self.stdout.isatty():
            tally.tell = _Teller(self, total)
            yield
            return
        label = "Deleting"
        with click.progressbar(length=total, label=label, show_pos=True, file=sys.stdout) as bar:
            tally.tell = lambda line, rows: bar.update(rows)
            yield


class _Teller:
    """Says how far it is, but not all the time."""

    def __init__(self, command: BaseCommand, total: int) -> None:
        self.command, self.total = command, total
        self.done, self.told_at = 0, time.monotonic()

    def __call__(self, line: Line, rows: int) -> None:
        self.done += rows
        if time.monotonic() - self.told_at >= TELL_S:
            self.told_at = time.monotonic()
            share = f"{self.done:,} of {self.total:,} rows"
            self.command.stdout.write(f"{line.what}: {share} deleted so far")
            self.command.stdout.flush()
