"""What a small site does day by day: a hundred runs of fifty scenes, imported, counted, filtered.

The history benchmark holds the same pages with a million scenes; this one holds what a run costs
to take in and to keep.
"""

import json
import statistics
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from random import Random
from typing import Any

from benchmarks._history.alone import Alone
from benchmarks._history.asking import Person
from benchmarks._history.record import Record, in_file, in_postgres
from benchmarks._imports.files import document
from benchmarks.figures import Figure
from benchmarks.imports import _post, _token
from benchmarks.processes import say

RUNS, SCENES, POLLS, TIMES = 100, 50, 10, 40
# In a process of the site's: each import, then the figures of all runs, with and without database.
INSIDE = """
import json, time
from pathlib import Path
from django.utils import timezone
from history.explore.figures import figures_of
from history.explore.panel import panel_of
from history.baseline.summary import summary_of
from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Run
from telemetry.models import Team
team = Team.objects.get(slug="bench")
told = {{"import": [], "figures": [], "pure": [], "import_cpu": []}}

def timed(name, work):
    began = time.perf_counter()
    done = work()
    told[name].append(1000 * (time.perf_counter() - began))
    return done

def take(path):
    [run] = read(File(path.name, path.read_bytes()), timezone.now())
    return file_run(run, Into(team, timezone.now()))

for path in sorted(Path("{folder}").rglob("artifact-metadata.json")):
    before = time.process_time()
    timed("import", lambda: take(path))
    told["import_cpu"].append(1000 * (time.process_time() - before))
runs = Run.objects.filter(team=team)
values = list(zip(*runs.values_list("duration_s", "work_s")))
for _ in range({times}):
    figures = timed("figures", lambda: figures_of(runs))
    timed("pure", lambda: [summary_of(column) for column in values] and panel_of(figures))
print("told", json.dumps(told))
"""
# What the history keeps: rows with what was too long for them, and beside that its indexes.
KEPT = """
select sum(pg_table_size(c.oid)), sum(pg_indexes_size(c.oid)) from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname = 'public' and c.relname like 'history\\_%'
"""
# What the imports benchmark leaves out, to have findings.
LATER: dict[str, Any] = {
    "HistoryAttemptLimit": 0,
    "PostExecutionTimeoutSeconds": 30,
    "HistoryPostExecutionTimeoutReached": False,
    "DoneMarkerDetected": True,
    "DoneMarkerWaitSeconds": 0.5,
    "ForcedCopyTriggered": False,
    "ForcedCopyDebugPath": None,
}
BESIDE: dict[str, Any] = {
    "VitestLogs": {"ComfyUI": "a.log", "E2E": "b.log", "Scripts": "c.log"},
    "HelperSummaries": {
        "MappingPreflight": {"Summary": "a.json", "Log": "a.log"},
        "ComfyUIStatus": {"Summary": "b.json", "Log": "b.log"},
    },
}
ASKED = ("?status=completed", "?range=30d&status=completed", "?range=all&status=failed&mine=1")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--sqlite", action="store_true", help="into a file, as `serve` keeps it")
    parser.add_argument("--seed", type=int, default=1, help="of what the files say")


def run(options: Namespace) -> list[Figure]:
    """Fill a record with a hundred runs, and ask it what a day asks."""
    chance = Random(options.seed)
    where = in_file if options.sqlite else in_postgres
    with tempfile.TemporaryDirectory() as folder, where() as record:
        make_team = "Team.objects.create(slug='bench', name='bench')"
        record.site.shell(f"from telemetry.models import Team; {make_team}")
        for number in range(RUNS):
            path = Path(folder, f"{number:03}", "artifact-metadata.json")
            path.parent.mkdir()
            path.write_text(json.dumps(whole(document(number, SCENES, POLLS, chance))), "utf-8")
        say(f"importing {RUNS} runs of {SCENES} scenes, one after the other")
        printed = record.site.shell(INSIDE.format(folder=folder, times=TIMES))
        told = json.loads(printed[printed.index("told ") + 5 :])
        return [*_inside(told), *_kept(record), *_served(record, chance)]


def whole(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a script of today says in full: what is missing costs a finding each."""
    for scene in told["Scenes"]:
        block, gpu = scene["Telemetry"], scene["Telemetry"]["GPU"]
        scene["SceneRetryBudget"] = block["SceneRetryBudget"]
        block.update(LATER)
        before, after = (gpu[name] / (1 << 20) for name in ("VramFreeBefore", "VramFreeAfter"))
        gpu.update(VramBeforeMB=before, VramAfterMB=after, VramDeltaMB=after - before)
    return {**told, **BESIDE}


def _inside(told: dict[str, list[float]]) -> list[Figure]:
    """Return what was measured within the site; the first of each loads modules."""
    imports, figures, pure = (_p95(told[name][1:]) for name in ("import", "figures", "pure"))
    return [
        Figure("a run of 50 scenes taken in, p95", imports, "ms", 500),
        Figure("CPU of the site for it, p50", statistics.median(told["import_cpu"]), "ms"),
        Figure("statistics of 100 runs with database, p95", figures, "ms", 50),
        Figure("statistics of 100 runs, computation, p95", pure, "ms", 10),
    ]


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _kept(record: Record) -> list[Figure]:
    """Return what 5 000 scenes take; a file tells no more than its length."""
    if isinstance(record.site, Alone):
        return []
    [(rows, indexes)] = record.site.query(KEPT)
    return [
        Figure("100 runs of 50 scenes on disk", float(rows) / 1e6, "MB", 10),
        Figure("their indexes", float(indexes) / 1e6, "MB"),
    ]


def _served(record: Record, chance: Random) -> list[Figure]:
    """Return what whole requests take: lists filtered, and single runs written."""
    port, cookie = record.sign_in()
    paths = [f"/teams/bench/runs/{ASKED[place % len(ASKED)]}" for place in range(3 * TIMES)]
    times = Person(port, cookie).ask(paths, 10)
    token = _token(record)
    bodies = [json.dumps(document(900 + n, 1, POLLS, chance)).encode() for n in range(TIMES)]
    writes = [_post(port, token, body) for body in bodies][2:]
    return [
        Figure("filtered list, p95", _p95(times.ms), "ms", 50),
        Figure("answers that were none", times.refused, "", 0),
        Figure("a run of one scene written over the API, p95", _p95(writes), "ms", 100),
    ]
