"""The whole site of the benchmark `faults`, with everybody who watches it."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks._faults import audit
from benchmarks._faults.audit import Leases
from benchmarks._faults.farm import Network, Simulated, on_loopback
from benchmarks._faults.monitor import Monitor, Ports
from benchmarks._faults.submitter import Submitter
from benchmarks._faults.truth import Tally, compare
from benchmarks._faults.viewer import Viewer
from benchmarks.processes import Process, say, until
from benchmarks.stack import Stack

SETTLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A collector and the ports from which it talks to Redis."""

    process: Process
    ports: Ports


class Site:
    """Two collectors, a web process, several ComfyUIs, artists, one viewer."""

    def __init__(self, stack: Stack, network: Network, servers: int) -> None:
        self.stack, self.network = stack, network
        self.servers = [on_loopback(number) for number in range(1, servers + 1)]
        self.cut_off: Simulated | None = None
        if network.open():
            self.cut_off = network.server(servers + 1)
            self.servers.append(self.cut_off)
        self.workers: list[Worker] = []
        self._names = 0

    def start(self) -> None:
        """Start everything; returns once every server is followed and shown."""
        audit.install(self.stack)
        for server in self.servers:
            server.start(self.stack)
        self.stack.add_servers([server.watched_url for server in self.servers])
        ids = dict(self.stack.query("SELECT url, id FROM telemetry_server"))
        for server in self.servers:
            server.server_id = ids[server.watched_url]
        self.numbers = {server.server_id: server.number for server in self.servers}
        _, web_port = self.stack.web()
        for server in self.servers:
            server.wait()
        self.leases, self.monitor = Leases(self.stack), Monitor(self.stack.redis_port)
        self.viewer, self.submitter = Viewer(self.stack, web_port), Submitter(self.servers)
        for watcher in (self.leases, self.monitor, self.viewer):
            watcher.start()
        self.add_worker()
        self.add_worker()
        self.submitter.start()
        until(lambda: self.viewer.whole_at(0, "", self.server_ids), "the wall")

    def stop(self) -> None:
        """End the threads; the stack ends the processes."""
        for watcher in (self.submitter, self.viewer, self.monitor, self.leases):
            watcher.stop()

    @property
    def server_ids(self) -> list[int]:
        """Return the ids of the servers."""
        return list(self.numbers)

    # --- Workers --------------------------------------------------------------------------------

    def add_worker(self) -> Worker:
        """Start a collector whose rows bear its name."""
        self._names += 1
        name = f"collector-{self._names}"
        url = f"{self.stack.database_url}?application_name={name}"
        process = self.stack.collector(name, SCENEWATCH_DATABASE_URL=url)
        audit.register(self.stack, process)
        worker = Worker(process, Ports(process.pid, self.stack.redis_port))
        self.workers.append(worker)
        return worker

    def drop_worker(self, worker: Worker) -> None:
        """Forget a collector that was killed."""
        self.workers.remove(worker)
        self.stack.processes.remove(worker.process)

    def owner(self) -> Worker:
        """Return the worker with the most leases, once every lease has a living owner."""
        until(lambda: self._held() >= len(self.servers), "an owner of every lease")
        held = [lease.pid for lease in self.leases.now.values()]
        return max(self.workers, key=lambda worker: held.count(worker.process.pid))

    def _held(self) -> int:
        pids = {worker.process.pid for worker in self.workers}
        return sum(lease.pid in pids for lease in list(self.leases.now.values()))

    def taken_over_at(self, fences: dict[int, int]) -> float | None:
        """Return when the last lease got a higher fence than it had."""
        seen = [self.leases.now[server_id] for server_id in fences]
        grown = all(lease.fence > fences[lease.server_id] for lease in seen)
        return max(lease.at for lease in seen) if grown else None

    # --- The truth ------------------------------------------------------------------------------

    def settle(self, name: str, limit_s: float = SETTLE_S) -> tuple[Tally, float]:
        """Begin a new phase, wait until the last one is over and on record; compare it."""
        began, phase = time.monotonic(), self.submitter.phase
        self.submitter.phase += 1
        tally = self.compare(phase)
        while time.monotonic() - began < limit_s and not self._settled(phase, tally):
            time.sleep(0.5)
            tally = self.compare(phase)
        self._tell(name, tally)
        return tally, time.monotonic() - began

    def _settled(self, phase: int, tally: Tally) -> bool:
        over = all(prompt.over for prompt in self.submitter.of_phase(phase))
        return over and not tally.lost and not tally.wrong

    def compare(self, phase: int) -> Tally:
        """Compare the record with what ComfyUI said of a phase's prompts."""
        prompts = self.submitter.of_phase(phase)
        rows = audit.rows(self.stack, self.numbers)
        return compare(prompts, rows, audit.windows(self.stack, self.numbers))

    def _tell(self, name: str, tally: Tally) -> None:
        for line in (*tally.lost[:10], *tally.wrong[:10]):
            say(f"  {name}: {line}")


def date_of(at: float) -> datetime:
    """Return seconds since 1970 as a date."""
    return datetime.fromtimestamp(at, UTC)
