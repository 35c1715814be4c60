"""How the database answers the list of runs and a run's page once there are many runs.

The rows are many and plain, so that PostgreSQL has a reason to read a table whole; what the pages
ask is caught as it is asked, and planned again.
"""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from history.bulk import load
from history.explore import figures
from history.models import Run, RunServer, Scene
from telemetry.models import Server, Team
from tests.cast import NOON, Cast, make_cast, make_server

# PostgreSQL notes which rows everybody sees only outside a transaction.
pytestmark = pytest.mark.django_db(transaction=True)

IN_POSTGRESQL = connection.vendor == "postgresql"
MANY = 20_000 if IN_POSTGRESQL else 200  # SQLite plans alike for few rows and for many
OF = ("began_at", "ended_at", "workload", "gpu_model")
RUN = (
    *("id", "team", "external_id", *OF, "outcome", "success_count", "failed_count"),
    *("source", "work", "title", "touched_at", "scene_count", "duration_s", "work_s"),
)
RAN = {
    is_failed: (outcome, 1 - is_failed, int(is_failed), "made", "w", "x" * 100, NOON, 1, 60.0, 50.0)
    for is_failed, outcome in ((False, "success"), (True, "failed"))
}
SERVER = ("run", "server", "began_at")
SCENE = (
    *("id", "team", "run", "external_id", *OF),
    *("outcome", "timed_by", "warmth", "position", "duration_s", "attempt_count"),
)
ENDED = ("success", "comfyui", "warm", 0, 50.0, 1)
# Most of the record, most runs, and a quarter of them each.
FOUR = "?since=2026-01-05&status=completed&server={server}&workload=w1"
ASKED = {
    "all": "",
    "four criteria": FOUR,
    "failed ones": "?status=failed",
    "of a workload": "?workload=w1",
    "at work": "?status=executing",
    "none at all": "?workload=nobody-s&status=failed",
}
# A table of those that are filled here, read from end to end.
WHOLE = (
    r"Seq Scan on (history_run|history_scene)\b"
    if IN_POSTGRESQL
    else r"SCAN (history_run|history_scene|s|r)\b(?! USING)"
)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    servers = [make_server(cast.northlight, name=f"kino-{n}") for n in range(4)]
    many_runs(cast.northlight, servers)
    return servers[1]


@pytest.fixture
def bob(cast: Cast, client: Client) -> Client:
    client.force_login(cast.bob)
    return client


def many_runs(team: Team, servers: list[Server]) -> None:
    """Have runs of one scene on record, of four workloads on four servers by turns."""
    numbers = range(1, MANY + 1)
    on = [servers[number // 4 % 4].pk for number in numbers]
    with transaction.atomic():
        load(Run, RUN, ((n, team.pk, f"run-{n}", *_of(n), *RAN[n % 7 == 0]) for n in numbers))
        load(RunServer, SERVER, zip(numbers, on, map(_began_at, numbers), strict=True))
        load(Scene, SCENE, ((n, team.pk, n, "scene-1", *_of(n), *ENDED) for n in numbers))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if IN_POSTGRESQL else "ANALYZE")


def _began_at(number: int) -> datetime:
    return NOON - (MANY - number) * (NOON - NOON.replace(month=1, day=1)) / MANY


def _of(number: int) -> tuple[Any, ...]:
    """Return when a run or scene began and ended, its workload, and what its card is called."""
    began_at = _began_at(number)
    return began_at, began_at + timedelta(minutes=1), f"w{number % 4}", "RTX 4090"


def read_whole(client: Client, address: str) -> list[str]:
    """Return the statements of a page, with their plans, that read a big table from end to end."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/teams/northlight/runs/{address}").status_code == 200
    told = [one["sql"] for one in asked.captured_queries if "history_" in one["sql"]]
    assert told
    plans = [(sql, _plan(sql)) for sql in told if sql.lstrip().startswith("SELECT")]
    return [f"{plan}\n{sql}" for sql, plan in plans if re.search(WHOLE, plan)]


def figures_plan(client: Client, address: str) -> str:
    """Return the plan of what a list's figures are reckoned with."""
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/teams/northlight/runs/{address}")
    told = [one["sql"] for one in asked.captured_queries if "SUM(scene_count)" in one["sql"]]
    assert len(told) == 1
    return _plan(told[0])


def _plan(sql: str) -> str:
    how = "EXPLAIN" if IN_POSTGRESQL else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_no_list_and_no_run_s_page_reads_a_big_table_whole(
    bob: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As 5,000 of 100,000: of a small record the newest 5,000 are most of the rows.
    monkeypatch.setattr(figures, "MOST", MANY // 20)
    runs: Any = Run.objects.order_by("began_at").values_list("pk", flat=True)
    addresses = {name: query.format(server=server.pk) for name, query in ASKED.items()}
    addresses |= {f"run {place}": f"{runs[place]}/" for place in (0, MANY // 2, MANY - 1)}

    found = {name: read_whole(bob, address) for name, address in addresses.items()}

    bad = [f"{name}: {plan}" for name, plans in found.items() for plan in plans]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", ["all", "four criteria", "of a workload"])
def test_figures_come_out_of_an_index_without_the_rows(
    bob: Client, server: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(figures, "MOST", MANY // 20)

    plan = figures_plan(bob, ASKED[name].format(server=server.pk))

    alone = r"Index Only Scan .*on history_run " if IN_POSTGRESQL else "history_run USING COVERING"
    assert re.search(alone, plan), plan
