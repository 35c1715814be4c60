"""Purge 300 000 old attempts while a collector follows servers: how long anybody waits for it.

What is old lies in the same team as what is followed, so that the locks of both meet. Ages are
spread over 400 days; activity goes after 30, graphs after 30, nodes after 90, runs after 180.

lag         from the time at which ComfyUI says that a prompt ended (its own clock, in its history)
            to the moment at which a reader who asks 20 times a second sees the row ended; likewise
            from the time of a line of activity to its row. It holds what the collector always
            needs (asking the history) and what waiting for the database adds.
statement   as PostgreSQL logs it for the role that purges (log_duration), commits included
"""

import argparse
import json
import re
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.figures import Figure
from benchmarks.processes import ROOT, free_port, listens, say, until
from benchmarks.stack import HOST, Stack

KEEP_RUNS_DAYS = 180
SCENES = 5
POLL_S = 0.05
BASELINE_S = 20.0
STEPS, STEP_S = 4, 0.02
STATEMENT_LIMIT_MS, LAG_LIMIT_S = 1000, 2
ROLE = "purger"

# {n} attempts in runs of SCENES scenes; attempt, scene and graph share their number, from 1.
AGE = "timestamptz '{now}' - interval '400 days' * ({n} - i) / {n}"
BULK = (
    """insert into telemetry_server
         (id, team_id, name, url, bearer_encrypted, basic_encrypted, authorities,
          enabled, simulated, position, created_at)
       select 1000 + i, {team}, 'old ' || i, 'http://old-' || i, '', '', '',
              false, true, 0, now()
       from generate_series(0, 9) i""",
    """insert into history_run
         (id, team_id, source, external_id, story_id, submitter, began_at, touched_at)
       select i / {scenes} + 1, {team}, 'default', 'old-' || i, 'Harbor', 'mira', {age}, {age}
       from generate_series(0, {n} - 1, {scenes}) i""",
    """insert into history_scene (id, team_id, run_id, external_id, outcome)
       select i, {team}, (i - 1) / {scenes} + 1, 'scene-' || i, 'success'
       from generate_series(1, {n}) i""",
    """insert into history_attempt
         (id, server_id, scene_id, prompt_id, repeat, workload, node_count, extra_data, status,
          outcome, outcome_grade, reason, found_later, seen_at, submitted_at, started_at, ended_at,
          duration_s)
       select i, 1000 + i % 10, i, gen_random_uuid()::text, 0, md5((i % 50)::text), 6, '{{}}',
         'ended', 'success', 'measured', '', false, {age}, {age}, {age}, {age}, 12.5
       from generate_series(1, {n}) i""",
    """insert into history_graph (attempt_id, compressed)
       select i, decode(repeat(md5(i::text), 16), 'hex') from generate_series(1, {n}) i""",
    """insert into history_nodeexecution
         (attempt_id, node, class_type, started_at, ended_at, duration_s, cached)
       select i, node::text, 'KSampler', {age}, {age}, 2, false
       from generate_series(1, {n}, 3) i, generate_series(1, 6) node""",
    """insert into history_activityevent
         (team_id, server_id, attempt_id, key, kind, tone, text, detail, at)
       select {team}, 1000 + i % 10, i, kind || i, kind, 'ok', 'scene-' || i, '', {age}
       from generate_series(1, {n}) i, unnest(array['started', 'ended']) kind""",
    """insert into telemetry_blindwindow (server_id, began_at, ended_at, reason)
       select 1000 + i % 10, {age}, {age}, 'no collector' from generate_series(1, {n}, 100) i""",
    "select setval(pg_get_serial_sequence('history_run', 'id'), {n})",
    "select setval(pg_get_serial_sequence('history_scene', 'id'), {n})",
    "select setval(pg_get_serial_sequence('history_attempt', 'id'), {n})",
    "analyze",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--attempts", type=int, default=300_000, help="old attempts")
    parser.add_argument("--servers", type=int, default=3, help="servers followed meanwhile")
    parser.add_argument("--rate", type=float, default=1.0, help="prompts a second, each server")


def run(options: argparse.Namespace) -> list[Figure]:
    """Fill, follow, purge; return what was measured."""
    with Stack() as stack:
        ports = [_simulator(stack, number) for number in range(options.servers)]
        stack.add_servers([f"http://{HOST}:{port}" for port in ports], "bench")
        now = datetime.now(UTC)
        _fill(stack, options.attempts, now)
        stack.query(f"create role {ROLE} superuser login")
        stack.query(f"alter role {ROLE} set log_duration = on")
        stack.collector()
        with Reader(stack.database_url) as reader, Load(ports, options.rate):
            until(lambda: len(reader.lags_s) > 20, "the first rows of the followed servers")
            calm_from = len(reader.lags_s)
            time.sleep(BASELINE_S)
            calm = reader.lags_s[calm_from:]
            expected = _table(_purge(stack, now, "--dry-run"))
            began, busy_from = time.monotonic(), len(reader.lags_s)
            output = _purge(stack, now)
            seconds, busy = time.monotonic() - began, reader.lags_s[busy_from:]
        left = _table(_purge(stack, now, "--dry-run", name="again"))
        return _figures(stack, expected, output, left, seconds, calm, busy)


def _figures(
    stack: Stack,
    expected: dict[str, int],
    output: str,
    left: dict[str, int],
    seconds: float,
    calm: list[float],
    busy: list[float],
) -> list[Figure]:
    deleted = _table(output)
    total = sum(deleted.values())
    wrong = sum(abs(expected.get(k, 0) - deleted.get(k, 0)) for k in {*expected, *deleted})
    return [
        Figure("rows deleted", total, "rows"),
        Figure("dry run and purge differ", wrong, "rows", 0),
        Figure("due rows left", sum(left.values()), "rows", 0),
        Figure("slowest statement, PostgreSQL", _slowest_ms(stack), "ms", STATEMENT_LIMIT_MS),
        Figure("slowest statement, client", _client_ms(output), "ms", STATEMENT_LIMIT_MS),
        Figure("lag p99 before", _quantile(calm, 0.99), "s"),
        Figure("lag p99 while purging", _quantile(busy, 0.99), "s", LAG_LIMIT_S),
        Figure("lag max while purging", max(busy, default=None), "s"),
        Figure("rows seen while purging", len(busy), "rows", 100, "more"),
        Figure("purge", seconds, "s"),
        Figure("purge rate", total / seconds, "rows/s"),
    ]


# --- The stage ----------------------------------------------------------------------------------


def _simulator(stack: Stack, number: int) -> int:
    port = free_port()
    command = ("simulate_comfyui", "--port", str(port), "--scenario", "none")
    stack.start(f"simulator-{number}", str(ROOT / "manage.py"), *command)
    until(lambda: listens(port), "the simulator")
    return port


def _fill(stack: Stack, attempts: int, now: datetime) -> None:
    began = time.monotonic()
    ((team,),) = stack.query("select id from telemetry_team where slug = 'bench'")
    values = {"n": attempts, "team": team, "scenes": SCENES}
    age = AGE.format(now=now.isoformat(), **values)
    for statement in BULK:
        stack.query(statement.format(age=age, **values))
    say(f"{attempts} attempts made in {time.monotonic() - began:.0f} s")


def _purge(stack: Stack, now: datetime, *arguments: str, name: str = "") -> str:
    """Run `manage.py purge` as a role of its own; return what it printed."""
    url = stack.database_url.replace("postgres@", f"{ROLE}@")
    options = ("--keep-runs-days", str(KEEP_RUNS_DAYS), "--now", now.isoformat(), *arguments)
    process = stack.start(
        name or "-".join(("purge", *arguments)),
        str(ROOT / "manage.py"),
        "purge",
        *options,
        SCENEWATCH_DATABASE_URL=url,
    )
    if process.popen.wait(3600):
        raise RuntimeError(f"the purge failed: {process.output[-2000:]}")
    say(process.output)
    return process.output


def _rows(output: str) -> list[list[str]]:
    lines = output[output.index("what  ") :].splitlines()[1:]
    return [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]


def _table(output: str) -> dict[str, int]:
    """Return how many rows the printed table says, by what."""
    counts = {row[0]: int(row[2].replace(",", "")) for row in _rows(output)}
    return {what: count for what, count in counts.items() if count}


def _client_ms(output: str) -> float:
    return max(float(row[4].removesuffix(" ms").replace(",", "")) for row in _rows(output))


def _slowest_ms(stack: Stack) -> float | None:
    """Return the longest duration that PostgreSQL logged, which it does for the one role alone."""
    log = Path(stack.folder / "postgres" / "log").read_text("utf-8", "replace")
    return max((float(ms) for ms in re.findall(r"duration: ([\d.]+) ms", log)), default=None)


def _quantile(values: list[float], share: float) -> float | None:
    """Return the value that a share of the values does not exceed; None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


class Load:
    """A context in which every server gets short prompts at a steady rate."""

    def __init__(self, ports: list[int], rate: float) -> None:
        self._ports, self._every_s = ports, 1 / rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._submit)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _submit(self) -> None:
        number = 0
        while not self._ended.wait(self._every_s / len(self._ports)):
            number += 1
            with suppress(urllib.error.URLError, OSError):
                _submit(self._ports[number % len(self._ports)], number)


def _submit(port: int, number: int) -> None:
    work = {"steps": STEPS, "delay": STEP_S, "seed": number}
    graph = {
        "1": {"class_type": "TqdmWork", "inputs": work},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    extra = {"run_id": f"live-{number // 20}", "scene_id": f"scene-{number % 20}"}
    body = {"prompt": graph, "client_id": "bench", "extra_data": extra}
    request = urllib.request.Request(
        f"http://{HOST}:{port}/prompt",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


class Reader:
    """A context in which rows are looked for 20 times a second; `lags_s` grows with each new one.

    A row is late from the time in it to when the query that first returned it was answered.
    """

    QUERY = """
        select 'attempt ' || a.id, a.ended_at from history_attempt a
          join telemetry_server s on s.id = a.server_id
          where s.enabled and a.status = 'ended' and a.ended_at > %(since)s
        union all
        select 'activity ' || e.id, e.at from history_activityevent e
          join telemetry_server s on s.id = e.server_id
          where s.enabled and e.at > %(since)s and e.kind = 'ended'"""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: set[str] = set()
        self.lags_s: list[float] = []
        self._began = datetime.now(UTC)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(POLL_S):
                # What takes longer than a minute is not missed by much: it fails the limit anyway.
                since = max(self._began, datetime.now(UTC) - timedelta(seconds=60))
                rows = connection.execute(self.QUERY, {"since": since}).fetchall()
                seen_at = datetime.now(UTC)
                for name, at in rows:
                    if name not in self._known:
                        self._known.add(name)
                        self.lags_s.append((seen_at - at).total_seconds())
