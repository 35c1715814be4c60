"""`manage.py describe_models`: write docs/models.md anew, or say whether it is as it should be."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.model_docs import PATH, document


class Command(BaseCommand):
    """Write the tables and their diagram from the models; asks no database."""

    help = "Write docs/models.md from the models."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail if it is old")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, or compare."""
        told = document()
        if not options["check"]:
            PATH.write_text(told, "utf-8")
            self.stdout.write(f"Wrote {PATH.name}.")
        elif not PATH.exists() or PATH.read_text("utf-8") != told:
            raise CommandError(f"{PATH.name} is not what the models say: run describe_models.")
        else:
            self.stdout.write(f"{PATH.name} is what the models say.")
