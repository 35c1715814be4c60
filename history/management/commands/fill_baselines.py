"""`manage.py fill_baselines`: give scenes of before what fair baselines need (docs/history.md)."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from history.filling import fill, unfilled
from history.progress import progress


class Command(BaseCommand):
    """Fill them in, some hundred scenes a transaction; may be stopped and begun again."""

    help = "Give scenes that are on record from before their place, workload and warmth."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--batch", type=int, default=500, help="scenes at once (default: 500)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill what lacks, and tell how much that was."""
        wanted, filled = unfilled().count(), 0
        with progress(self, "Filling", wanted, "scenes") as done:
            for count in fill(max(1, options["batch"])):
                filled += count
                done(count)
        self.stdout.write(f"Filled {filled:,} scenes.")
