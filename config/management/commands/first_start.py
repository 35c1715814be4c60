"""`manage.py first_start`: what the team mode needs once, after the first `migrate`."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from config import first_start, preflight


class Command(BaseCommand):
    """Make what the first start makes; what is there already stays as it is."""

    help = "Make the first team and its site admin, and add servers (team mode). May be repeated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--url", help="the site's address, for the link that signs in")
        parser.add_argument(
            "--comfyui", action="append", default=[], metavar="URL", help="a ComfyUI to watch"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, make the team and the admin, add the servers."""
        if settings.EMBEDDED:
            raise CommandError(
                "SCENEWATCH_REDIS_URL is not set, which means everything in one process: `manage.py"
                " serve` makes its own first start. For team mode set SCENEWATCH_DATABASE_URL and"
                " SCENEWATCH_REDIS_URL (docs/deployment.md)."
            )
        try:
            _see_that_it_can_start()
        except preflight.NotReady as error:
            raise CommandError(str(error)) from error
        self._invite(options["url"] or _address())
        self._add(options["comfyui"])

    def _invite(self, base: str) -> None:
        invitation = first_start.invitation(base.rstrip("/"))
        self.stdout.write(invitation or "There is a site admin who has signed in already.")

    def _add(self, urls: list[str]) -> None:
        try:
            for line in first_start.add_and_probe(urls):
                self.stdout.write(f"  {line}")
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error


def _see_that_it_can_start() -> None:
    """Make the data folder, and see that the database is there and of this version."""
    preflight.data_folder(settings.DATA_DIR)
    try:
        preflight.refuse_newer_schema()
        pending = preflight.migrations_pending()
    except OperationalError as error:
        raise preflight.NotReady(
            f"The database cannot be used: {str(error).strip()}\n"
            "Start it, or correct SCENEWATCH_DATABASE_URL (docs/deployment.md)."
        ) from error
    if pending:
        raise preflight.NotReady(
            "The database is not of this version yet. Stop the other processes, run `manage.py "
            "migrate`, then this again (docs/deployment.md)."
        )


def _address() -> str:
    """Return the address under which browsers most likely reach the site."""
    named = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    if named:
        return str(named[0])
    host = next((host for host in settings.ALLOWED_HOSTS if host[0] not in ".*"), "localhost")
    return f"https://{host}" if settings.HTTPS else f"http://{host}:8000"
