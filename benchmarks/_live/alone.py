"""The embedded Scenewatch: one process, SQLite, nothing else."""

from benchmarks.processes import ROOT, Process, free_port
from benchmarks.stack import Stack


class Alone(Stack):
    """A context as a Stack, in which neither PostgreSQL nor Redis runs."""

    def __enter__(self) -> "Alone":
        for name in ("SCENEWATCH_DATABASE_URL", "SCENEWATCH_REDIS_URL"):
            del self.env[name]
        (self.folder / "data").mkdir()
        self.manage("migrate", "--verbosity", "0")
        return self

    def serve(self) -> tuple[Process, int]:
        """Start the site; return its process, and the port once it answers."""
        port = free_port()
        process = self.start("serve", str(ROOT / "manage.py"), "serve", "--port", str(port))
        process.said("Scenewatch is up")
        return process, port
