"""`manage.py list_components`: what the site is made of, with licences (docs/dependencies.md)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.components import components, cyclonedx


class Command(BaseCommand):
    """Write a table for people, or a bill of materials in CycloneDX for programs."""

    help = "List the packages of requirements.lock with versions and licences."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--cyclonedx", action="store_true", help="as CycloneDX 1.6 (JSON)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write to standard output."""
        told = components()
        if options["cyclonedx"]:
            self.stdout.write(json.dumps(cyclonedx(told), indent=2))
            return
        for one in told:
            self.stdout.write(f"{one.name:28} {one.version:16} {one.licence or 'licence unknown'}")
