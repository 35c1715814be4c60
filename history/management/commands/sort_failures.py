"""`manage.py sort_failures`: put failures that are on record into families."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from history.failures.backfill import sort, unsorted
from history.pace import Pace
from history.progress import progress


class Command(BaseCommand):
    """Sort what failed before an update brought families; safe to stop and to run again."""

    help = "Put failures that are on record into families (docs/failures.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--again",
            action="store_true",
            help="also those that are in one: after an update that tells families apart otherwise",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Sort them, batch by batch."""
        again = options["again"]
        total = unsorted(again).count()
        try:
            with progress(self, "Sorting", total, "failures") as done:
                fresh = sort(Pace(), done, again)
        except OperationalError as error:
            raise CommandError(
                f"The database gave up: {str(error).strip()}. What is sorted stays sorted; run the "
                "command again to go on."
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; run the command again to go on.") from None
        self.stdout.write(f"Looked at {total:,} failures; {fresh:,} came into a family.")
