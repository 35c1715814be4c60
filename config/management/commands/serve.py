"""`manage.py serve`: the whole site in one process, for a machine with nothing but Python."""

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from config import preflight
from telemetry.clock import now

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Command(BaseCommand):
    """Serve the site, follow the servers, run the tasks."""

    help = "Serve Scenewatch in one process: pages, collector, tasks. Nothing else has to run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="address to serve at")
        parser.add_argument("--port", type=int, default=8000, help="port to serve at")
        parser.add_argument(
            "--comfyui", action="append", default=[], metavar="URL", help="a ComfyUI to watch"
        )
        parser.add_argument(
            "--demo", action="store_true", help="start three simulated servers and watch them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, migrate, prepare, serve until Ctrl-C."""
        host, port = options["host"], options["port"]
        if not settings.EMBEDDED:
            raise CommandError(
                "SCENEWATCH_REDIS_URL is set, which means team mode: start its processes instead "
                "(docs/deployment.md), or unset it to run everything in this one."
            )
        try:
            preflight.data_folder(settings.DATA_DIR)
            self.lock = preflight.lock(settings.DATA_DIR)
            preflight.port_free(host, port)
            preflight.refuse_newer_schema()
            preflight.copy_database(settings.DATA_DIR)
        except preflight.NotReady as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0)
        self._prepare(host, port, options["comfyui"], options["demo"])
        self._serve(host, port)

    def _prepare(self, host: str, port: int, urls: list[str], demo: bool) -> None:
        from config import first_start
        from telemetry import leases

        leases.break_all(now())
        base = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else _bracketed(host)}:{port}"
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, *_names_of(host)]
        self._say_way_in(base)
        if demo:
            self._start_demo()
        else:
            first_start.rest_simulated()
        try:
            for line in first_start.add_and_probe(urls):
                self.stdout.write(f"  {line}")
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if not urls and not demo:
            self._try_usual_address()
        self.url = base

    def _say_way_in(self, base: str) -> None:
        from config import first_start

        invitation = first_start.invitation(base)
        if invitation is not None:
            self.stdout.write(invitation)

    def _start_demo(self) -> None:
        from config.demo import Demo
        from config.first_start import add_simulated

        add_simulated(Demo().start())
        self.stdout.write(
            "Three simulated servers run in this process; no real ComfyUI is watched."
        )

    def _try_usual_address(self) -> None:
        from config import first_start
        from telemetry.models import Server

        if Server.objects.watched().exists():
            return
        url = first_start.USUAL_URL
        said = first_start.probe(url)
        if said.startswith("answers: "):
            first_start.add_servers([url])
            self.stdout.write(f"  {url} {said}; it is watched from now on.")
            return
        self.stdout.write(
            f"  No ComfyUI is named and none answers at {url}.\n"
            "  Name yours: python3 manage.py serve --comfyui http://HOST:8188\n"
            "  Or look around first: python3 manage.py serve --demo"
        )

    def _serve(self, host: str, port: int) -> None:
        from config import embedded

        def up() -> None:
            self.stdout.write(self.style.SUCCESS(f"Scenewatch is up at {self.url}/ (Ctrl-C stops)"))
            self.stdout.flush()

        if not embedded.run(host, port, up):
            raise CommandError("The worker ended by an error (see above), and the site with it.")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _names_of(host: str) -> list[str]:
    """Return the names under which browsers may ask for us, beside the configured ones."""
    if host in LOOPBACK:
        return []
    if host not in ("0.0.0.0", "::"):
        return [_bracketed(host)]
    own = socket.gethostname()
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(own, None)}
    except OSError:
        addresses = set()
    return sorted({own, socket.getfqdn(), *(_bracketed(a) for a in addresses)})
