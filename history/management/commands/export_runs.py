"""`manage.py export_runs`: runs as our own export, which import_runs reads (docs/imports.md)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from history.exports.redact import redacted
from history.exports.run_document import document_of, loaded
from history.models import Run


class Command(BaseCommand):
    """Write runs as JSON to the standard output."""

    help = "Write runs as JSON: all that is on record of them but graphs and documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("runs", nargs="+", type=int, metavar="RUN_ID", help="a run, by its id")
        parser.add_argument(
            "--no-secrets",
            action="store_true",
            help="to share: without prompts and tracebacks, folders and inner addresses redacted",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the runs in the order of their ids."""
        found = list(loaded(Run.objects.kept().filter(pk__in=options["runs"]).order_by("pk")))
        missing = sorted(set(options["runs"]) - {run.pk for run in found})
        if missing:
            raise CommandError(f"There is no run {', '.join(map(str, missing))}.")
        document = document_of(found, secrets=not options["no_secrets"])
        if options["no_secrets"]:
            document = redacted(document)
        self.stdout.write(json.dumps(document, indent=1, ensure_ascii=False))
