"""A record to ask: an invented history, a web process before it, and what was drawn of it."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from benchmarks._history.alone import Alone
from benchmarks.processes import say
from benchmarks.sign_in import signed_in
from benchmarks.stack import Stack

BIG = ("history_run", "history_scene", "history_attempt")
SAMPLE = 300
# What a session read in its last second before it idles, PostgreSQL tells ten seconds later: asked
# sooner, the next page would have to answer for it.
TOLD_S = 11.0
DRAWN = """
import json
from random import Random
from history.keyset import Place
from history.models import Run, Scene
from telemetry.models import Server
chance, team = Random({seed}), "bench"
runs = list(Run.objects.filter(team__slug=team).order_by("pk").values_list("pk", "began_at"))
some = chance.sample(runs, min({sample}, len(runs)))
scenes = Scene.objects.filter(run__in=[pk for pk, _ in some]).order_by("pk")
print("drawn", json.dumps({{
    "runs": [pk for pk, _ in some],
    "days": [at.date().isoformat() for _, at in some],
    "cursors": [Place("began_at", at, pk).cursor() for pk, at in some],
    "scenes": list(scenes.values_list("run", "pk")[: {sample}]),
    "servers": list(Server.objects.filter(team__slug=team).values_list("pk", flat=True)),
    "workloads": sorted({{w for w in Run.objects.filter(pk__in=[pk for pk, _ in some]).values_list(
        "workload", flat=True) if w}}),
}}))
"""


class Record:
    """A history in a database, and the site that shows it."""

    def __init__(self, site: Stack | Alone) -> None:
        self.site = site
        self.drawn: dict[str, list[Any]] = {}

    def load(self, runs: int, scenes: int, seed: int) -> float | None:
        """Invent and load a history; return its rows a second, as the command tells them."""
        say(f"inventing {runs:,} runs with {scenes:,} scenes")
        self.site.shell(
            "from telemetry.models import Team; Team.objects.create(slug='bench', name='bench')"
        )
        said = self.site.manage(
            "make_history",
            *("--runs", str(runs), "--scenes", str(scenes)),
            *("--seed", str(seed), "--team", "bench"),
        )
        say(said)
        printed = self.site.shell(DRAWN.format(seed=seed, sample=SAMPLE))
        self.drawn = json.loads(printed[printed.index("drawn ") + 6 :])
        found = re.search(r"([\d,]+) rows/s", said)
        return float(found[1].replace(",", "")) if found else None

    def sign_in(self) -> tuple[int, str]:
        """Start the site; return its port, and the session of a new member of the team."""
        _, [cookie] = signed_in(self.site, 1)
        _, port = self.site.web()
        return port, cookie

    def one(self, kind: str, chance: Random) -> Any:
        """Return one of what was drawn: of runs, days, cursors, scenes, servers, workloads."""
        return chance.choice(self.drawn[kind])

    def some(self, kind: str, count: int, chance: Random) -> list[Any]:
        """Return `count` different ones of what was drawn."""
        return chance.sample(self.drawn[kind], count)

    def full_scans(self) -> dict[str, int] | None:
        """Return how often each big table was read from end to end; None where nobody counts."""
        if isinstance(self.site, Alone):
            return None
        tables = ", ".join(f"'{name}'" for name in BIG)
        asked = f"select relname, seq_scan from pg_stat_user_tables where relname in ({tables})"
        return {str(name): int(count) for name, count in self.site.query(asked)}

    def full_scans_since(self, before: dict[str, int] | None) -> dict[str, int] | None:
        """Return those of the big tables that were read whole since then, and how often."""
        if before is None:
            return None
        time.sleep(TOLD_S)
        now = self.full_scans() or {}
        return {name: now[name] - count for name, count in before.items() if now[name] > count}


@contextmanager
def in_postgres() -> Iterator[Record]:
    """Keep a record in PostgreSQL, as a team's site does."""
    with Stack() as stack:
        yield Record(stack)


@contextmanager
def in_file() -> Iterator[Record]:
    """Keep a record in an SQLite file, as `serve` does."""
    with Alone() as alone:
        yield Record(alone)
