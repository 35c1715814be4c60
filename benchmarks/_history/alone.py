"""A site on SQLite in a temporary folder: what `serve` is to one person."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from benchmarks.processes import ROOT, Process, free_port


class Alone:
    """A context: a data folder of its own inside it, and what was started ends with it."""

    def __enter__(self) -> "Alone":
        self.folder = Path(tempfile.mkdtemp(prefix="scenewatch-benchmark-"))
        self.env = {"SCENEWATCH_DATA_DIR": str(self.folder / "data")}
        (self.folder / "data").mkdir()
        self.processes: list[Process] = []
        self.manage("migrate", "--verbosity", "0")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.processes:
            process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *arguments: str) -> str:
        """Run a manage.py command to its end; return what it printed."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SCENEWATCH_")}
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(
            command, env={**inherited, **self.env}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def shell(self, code: str) -> str:
        """Run code with Django set up; return what it printed."""
        return self.manage("shell", "--verbosity", "0", "-c", code)

    def web(self) -> tuple[Process, int]:
        """Start the site, with all that `serve` runs; return it and its port."""
        port = free_port()
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
        process = Process("serve", command, self.folder, self.env)
        self.processes.append(process)
        process.said("Scenewatch is up")
        return process, port
