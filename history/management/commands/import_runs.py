"""`manage.py import_runs`: put on record what files tell of runs (docs/imports.md)."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from history import storage
from history.explore.report import report_of_ids, sentence
from history.filing.intake import Taken, take
from history.filing.into import Into, Result
from history.imports.gathering import count, gather
from history.progress import progress
from history.words import Level
from telemetry.clock import now
from telemetry.models import Server, Team
from telemetry.text import plural


class Command(BaseCommand):
    """Import files, folders and zip archives; a run that is on record already is left alone."""

    help = "Import runs from artifact-metadata.json, run-summary.txt, CSV or our own export."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--team", metavar="SLUG", help="may be left out where there is one")
        parser.add_argument(
            "--source", help="whose ids the runs have, where they do not say (default: default)"
        )
        parser.add_argument("--server", help="the name of the server that they ran on")
        parser.add_argument(
            "--strict", action="store_true", help="end with status 1 if a finding is an error"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, telling what came of each file that could not be read, and the sums."""
        into = self._into(options)
        try:
            storage.check(into.team, into.at)
        except storage.OverQuota as error:
            raise CommandError(f"{error} {storage.NEXT}") from None
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"There is no {', no '.join(missing)}.")
        sums: Counter[str] = Counter()
        filed: set[int] = set()
        with progress(self, "Importing", count(options["paths"]), "files") as done:
            for taken in take(gather(options["paths"], lambda: done(1)), into, into.at):
                self._tell(taken, sums)
                filed |= {run.run_id for run in taken.runs}
        self._sum_up(sums, filed)
        if sums["unreadable"]:
            raise CommandError(f"{sums['unreadable']} files could not be read.")
        if options["strict"] and sums["errors"]:
            raise CommandError(f"{sums['errors']} findings are errors.")

    def _into(self, options: dict[str, Any]) -> Into:
        team = _team(options["team"])
        name, server = options["server"], None
        if name is not None:
            server = Server.objects.kept().filter(team=team, name=name).first()
            if server is None:
                raise CommandError(f"{team} has no server {name!r}.")
        return Into(team, now(), source=options["source"], server=server)

    def _tell(self, taken: Taken, sums: Counter[str]) -> None:
        if taken.error is not None:
            sums["passed over" if taken.passed_over else "unreadable"] += 1
            if not taken.passed_over:
                self.stderr.write(f"{taken.name}: {taken.error}")
        for run in taken.runs:
            sums[str(run.result)] += 1
            sums["scenes"] += 0 if run.result is Result.UNCHANGED else run.scenes
            sums["findings"] += len(run.findings)
            errors = sum(found.level is Level.ERROR for found in run.findings)
            sums["errors"] += errors
            if errors:
                found = plural(errors, "error")
                self.stderr.write(f"{taken.name}: {run.external_id}: {found} found")

    def _sum_up(self, sums: Counter[str], filed: set[int]) -> None:
        runs = ", ".join(f"{sums[result]:,} {result}" for result in Result)
        self.stdout.write(f"Runs: {runs}; {plural(sums['scenes'], 'scene')} written.")
        self.stdout.write(f"Findings: {sums['findings']:,}, {sums['errors']:,} of them errors.")
        if filed:
            self.stdout.write(f"As a sweep: {sentence(report_of_ids(filed))}")
        if sums["passed over"]:
            files = plural(sums["passed over"], "file")
            self.stdout.write(f"Passed over: {files} about something else.")


def _team(slug: str | None) -> Team:
    teams = list(Team.objects.filter(slug=slug) if slug else Team.objects.all()[:20])
    if len(teams) == 1:
        return teams[0]
    known = ", ".join(Team.objects.values_list("slug", flat=True)[:20]) or "none yet"
    if slug:
        raise CommandError(f"There is no team {slug!r}. Teams: {known}.")
    raise CommandError(f"Name the team: --team, one of: {known}.")
