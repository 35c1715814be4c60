"""What it costs to take in what scripts left: files by the command, one long file over the API.

Everything is checked against the rules of imports as it always is (docs/imports.md).
"""

import http.client
import json
import statistics
import tempfile
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from random import Random

from benchmarks._history.record import Record, in_file, in_postgres
from benchmarks._imports.files import document, write_files
from benchmarks.figures import Figure
from benchmarks.processes import say
from benchmarks.stack import HOST

RUNS, SCENES, POLLS = 100, 50, 10
COMMAND = """
import resource
from django.core.management import call_command
call_command("import_runs", "{folder}", "--team", "bench", verbosity=0)
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# Three scenes whose polls make a file of some 350 kB.
LONG_SCENES, LONG_POLLS, LONG = 3, 1_350, 12


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--small", action="store_true", help="20 runs in place of 100")
    parser.add_argument("--sqlite", action="store_true", help="into a file, as `serve` keeps it")
    parser.add_argument("--seed", type=int, default=1, help="of what the files say")


def run(options: Namespace) -> list[Figure]:
    """Import a folder twice with the command, then long files over the API."""
    chance = Random(options.seed)
    where = in_file if options.sqlite else in_postgres
    with tempfile.TemporaryDirectory() as folder, where() as record:
        make_team = "Team.objects.create(slug='bench', name='bench')"
        record.site.shell(f"from telemetry.models import Team; {make_team}")
        runs = 20 if options.small else RUNS
        return [*_folder(record, Path(folder), runs, chance), *_long(record, chance)]


def _folder(record: Record, folder: Path, runs: int, chance: Random) -> list[Figure]:
    """Import files; the same again; how much more memory many files need than few."""
    few, many = folder / "few", folder / "many"
    list(write_files(few, 3, SCENES, POLLS, chance))
    list(write_files(many, runs, SCENES, POLLS, chance))
    say(f"importing {runs} runs of {SCENES} scenes")
    _, least = _command(record, few)
    first_s, most = _command(record, many)
    again_s, _ = _command(record, many)

    def rate(seconds: float) -> float:
        return runs * SCENES / seconds

    return [
        Figure("files, the command's start included", rate(first_s), "scenes/s", 500, "more"),
        Figure("the same again: nothing changes", rate(again_s), "scenes/s"),
        Figure(f"memory of {runs} runs beyond 3", (most - least) / 1e6, "MB", 20),
    ]


def _command(record: Record, folder: Path) -> tuple[float, float]:
    """Return how many seconds an import took, its start included, and its most memory in bytes."""
    began = time.perf_counter()
    told = record.site.shell(COMMAND.format(folder=folder))
    return time.perf_counter() - began, 1024 * float(told.split()[-1])


def _long(record: Record, chance: Random) -> list[Figure]:
    """Post long files over the API, each another run."""
    port, _ = record.sign_in()
    token = _token(record)
    bodies = [
        json.dumps(document(900 + number, LONG_SCENES, LONG_POLLS, chance)).encode()
        for number in range(LONG)
    ]
    say(f"posting {LONG} files of {len(bodies[0]) / 1000:.0f} kB")
    times = [_post(port, token, body) for body in bodies][2:]
    return [
        Figure("a long file over the API, length", len(bodies[0]) / 1000, "kB"),
        Figure("a long file over the API, p50", statistics.median(times), "ms"),
        Figure("a long file over the API, longest", max(times), "ms", 500),
    ]


def _token(record: Record) -> str:
    """Return a token that may send runs, of a member of the team."""
    record.site.shell(
        "from telemetry.models import Membership; Membership.objects.update(role='operator')"
    )
    asked = ("--team", "bench", "--user", "viewer-0", "--scope", "ingest", "--name", "imports")
    return record.site.manage("create_token", *asked).split()[-1]


def _post(port: int, token: str, body: bytes) -> float:
    """Return how many milliseconds it took until the run was on record."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    began = time.perf_counter()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/runs?team=bench", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in (200, 201):
        raise RuntimeError(f"{answer.status}: {text[:300]!r}")
    return 1000 * (time.perf_counter() - began)
