"""`manage.py make_history`: an invented history for demonstrations, tests and benchmarks."""

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from history.invented.farm import REGRESSION, SLOWER
from history.invented.load import load_history
from history.invented.rows import SOURCE
from history.invented.runs import Inventor, Span
from history.models import Attempt, AttemptMemory, Run, RunServer, Scene
from history.progress import progress
from telemetry.clock import now
from telemetry.models import Team

MOST = 10_000_000
LOADED = (Run, RunServer, Scene, Attempt, AttemptMemory)

NO_TABLES = (
    'There is no database yet, and starting the site makes it: run "python3 manage.py serve --demo"'
    ", and this command again in another terminal while that runs."
)


class Command(BaseCommand):
    """Invent runs and load them in bulk."""

    help = "Make a plausible history that never happened: for demonstrations and benchmarks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--runs", type=int, default=1000, metavar="N")
        parser.add_argument("--scenes", type=int, metavar="M", help="in all (default: ten a run)")
        parser.add_argument("--seed", type=int, default=1, metavar="S")
        parser.add_argument("--team", metavar="SLUG", help="may be left out where there is one")
        parser.add_argument("--days", type=int, default=120, help="how far back (default: 120)")
        parser.add_argument(
            "--until", type=datetime.fromisoformat, help="to when (default: today, 00:00 UTC)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and tell the day of the regression."""
        runs, seed = options["runs"], options["seed"]
        scenes = options["scenes"] or 10 * runs
        if not (1 <= runs <= scenes <= MOST and 1 <= options["days"] <= 3650):
            raise CommandError(f"Write 1 <= runs <= scenes <= {MOST:,}, and 1 to 3650 days.")
        team = _team(options["team"])
        if Run.objects.filter(
            team=team, source=SOURCE, external_id__startswith=f"made-up-{seed}-"
        ).exists():
            raise CommandError(f"{team} has the history of seed {seed} already; take another.")
        midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
        span = Span.of(_aware(options["until"]) or midnight, options["days"])
        began = time.monotonic()
        with progress(self, "Inventing", scenes, "scenes") as done:
            loaded = load_history(team, Inventor(runs, scenes, seed, span), span, seed, done)
        self._tell(loaded, time.monotonic() - began, span)
        self.stdout.write(f"It is under Runs of {team}: /teams/{team.slug}/runs/")

    def _tell(self, loaded: Any, took_s: float, span: Span) -> None:
        if connection.vendor == "postgresql":
            _look_through()
        self.stdout.write(
            f"Loaded {loaded.runs:,} runs with {loaded.scenes:,} scenes: {loaded.rows:,} rows in "
            f"{took_s:.1f} s, {loaded.rows / max(took_s, 1e-9):,.0f} rows/s."
        )
        self.stdout.write(
            f'From {span.regression_at:%Y-%m-%d %H:%M} UTC on scenes of "{REGRESSION.title}" '
            f"({REGRESSION.story}) take {SLOWER - 1:.0%} longer; ComfyUI was updated then."
        )


def _look_through() -> None:
    """Have PostgreSQL look through what was loaded, as it would by itself minutes later.

    Until then queries are planned blindly, and rows are looked up that an index alone could tell.
    Within a transaction it refuses to note which rows everybody sees.
    """
    how = "ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)"
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in LOADED)
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {tables}")


def _aware(at: datetime | None) -> datetime | None:
    if at is None or at.tzinfo is not None:
        return at
    return at.replace(tzinfo=now().tzinfo)


def _team(slug: str | None) -> Team:
    if Team._meta.db_table not in connection.introspection.table_names():
        raise CommandError(NO_TABLES)
    teams = list(Team.objects.filter(slug=slug) if slug else Team.objects.all()[:2])
    if len(teams) == 1:
        return teams[0]
    known = ", ".join(Team.objects.values_list("slug", flat=True)[:20]) or "none yet"
    raise CommandError(f"Name the team with --team, one of: {known}.")
