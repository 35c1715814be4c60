"""A team-mode Scenewatch of a benchmark's own: PostgreSQL, Redis, web, collectors, simulators.

Everything listens on free ports of 127.0.0.1 and lives in a temporary folder that is removed at the
end. PostgreSQL and Redis must be installed (Debian: postgresql, redis-server), not running.
"""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from benchmarks.processes import ROOT, Process, free_port, listens, say, until

HOST = "127.0.0.1"


class Stack:
    """A context: PostgreSQL and Redis run inside it, and every process that it started ends."""

    def __init__(self, **env: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="scenewatch-benchmark-"))
        self.folder.chmod(0o755)
        self.postgres_port, self.redis_port = free_port(), free_port()
        self.processes: list[Process] = []
        self.env = {
            "SCENEWATCH_DATABASE_URL": self.database_url,
            "SCENEWATCH_REDIS_URL": f"redis://{HOST}:{self.redis_port}/0",
            "SCENEWATCH_SECRET_KEY": "a benchmark's own key, thrown away with its data folder",
            "SCENEWATCH_DATA_DIR": str(self.folder / "data"),
            **env,
        }

    @property
    def database_url(self) -> str:
        """Return the address of the database."""
        return f"postgres://postgres@{HOST}:{self.postgres_port}/postgres"

    def __enter__(self) -> "Stack":
        try:
            self._init_postgres()
            self.start_postgres()
            self.start_redis()
            self.manage("migrate", "--verbosity", "0")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            for process in self.processes:
                say(f"--- the end of {process.name}:\n{process.output[-1500:]}")
        self.close()

    def close(self) -> None:
        """End everything and remove the folder."""
        for process in reversed(self.processes):
            process.stop()
        self.stop_redis()
        self.stop_postgres("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- PostgreSQL and Redis -------------------------------------------------------------------

    def _postgres(self, program: str, *arguments: str) -> None:
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))
        path = found[-1] if found else shutil.which(program)
        if path is None:
            raise SystemExit(f"{program} is not here: install PostgreSQL (Debian: postgresql).")
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*prefix, path, *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    def _init_postgres(self) -> None:
        home = self.folder / "postgres"
        home.mkdir()
        if os.getuid() == 0:
            shutil.chown(home, "postgres")
        self._postgres(
            "initdb", "-D", f"{home}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8"
        )

    def start_postgres(self) -> None:
        """Start PostgreSQL, as it is shipped: with fsync; returns once it answers."""
        home = self.folder / "postgres"
        options = f"-p {self.postgres_port} -k {home} -c listen_addresses={HOST}"
        self._postgres(
            "pg_ctl", "-D", f"{home}/data", "-w", "-l", f"{home}/log", "-o", options, "start"
        )

    def stop_postgres(self, mode: str = "fast") -> None:
        """Stop PostgreSQL; mode "immediate" is as a crash."""
        home = self.folder / "postgres"
        if (home / "data" / "postmaster.pid").exists():
            with contextlib.suppress(subprocess.CalledProcessError):
                self._postgres("pg_ctl", "-D", f"{home}/data", "-m", mode, "-w", "stop")

    def start_redis(self) -> None:
        """Start Redis without persistence; returns once it answers."""
        command = ["redis-server", "--port", str(self.redis_port), "--bind", HOST, "--save", ""]
        self.redis = Process("redis", [*command, "--appendonly", "no"], self.folder, {})
        until(lambda: self._ping() or self.redis.popen.poll() is not None, "Redis")

    def _ping(self) -> bool:
        command = ["redis-cli", "-p", str(self.redis_port), "ping"]
        return subprocess.run(command, capture_output=True, check=False).stdout == b"PONG\n"

    def stop_redis(self) -> None:
        """Stop Redis, and with it everything that it held."""
        if hasattr(self, "redis"):
            self.redis.stop()

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    # --- Processes ------------------------------------------------------------------------------

    def start(self, name: str, *command: str, **env: str) -> Process:
        """Start a command of this Python's in a process of its own."""
        process = Process(name, [sys.executable, *command], self.folder, {**self.env, **env})
        self.processes.append(process)
        return process

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command to its end; return what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        env = {**os.environ, **self.env}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def shell(self, code: str) -> str:
        """Run code with Django set up; return what it printed."""
        return self.manage("shell", "--verbosity", "0", "-c", code)

    def collector(self, name: str = "collector", **env: str) -> Process:
        """Start a collector worker and wait until it follows."""
        arguments = ("worker", "--collector", "-P", "threads", "-c", "1", "-n", f"{name}@%h")
        process = self.start(name, "-m", "celery", "-A", "config", *arguments, **env)
        process.said("collector step started")
        return process

    def web(self, name: str = "web") -> tuple[Process, int]:
        """Start a Daphne process; return it and its port."""
        port = free_port()
        command = ("-m", "daphne", "-b", HOST, "-p", str(port), "config.asgi:application")
        process = self.start(name, *command)
        until(lambda: listens(port) or process.popen.poll() is not None, "the web process")
        return process, port

    def simulators(self, name: str, count: int, *arguments: str) -> tuple[Process, list[str]]:
        """Start `count` simulated ComfyUIs in one process; return it and their URLs."""
        command = ("simulate_comfyui", "--port", "0", "--servers", str(count), *arguments)
        process = self.start(name, str(ROOT / "manage.py"), *command)
        until(lambda: process.output.count("stop with Ctrl-C") >= count, f"{count} simulators")
        words = process.output.split()
        return process, [word.rstrip(";,") for word in words if word.startswith("http://")]

    def add_servers(self, urls: list[str], team: str = "bench", simulated: bool = True) -> None:
        """Have the servers at the URLs watched by a team; `serve` rests those called simulated."""
        self.shell(
            "from telemetry.models import Server, Team\n"
            f"team, _ = Team.objects.get_or_create(slug={team!r}, defaults={{'name': {team!r}}})\n"
            f"for n, url in enumerate({urls!r}):\n"
            "    name = f'{n:02d} {url[7:]}'\n"
            f"    Server.objects.create(team=team, name=name, url=url, simulated={simulated})\n"
        )
