"""Three simulated servers in a thread of their own, for `serve --demo`."""

import asyncio
import threading

from telemetry.simulator import Simulator

# name: (scenario, port that is tried first, seed)
SERVERS = {
    "demo-healthy": ("healthy", 18288, 1),
    "demo-failing": ("failing", 18289, 2),
    "demo-slow": ("slow", 18290, 3),
}


class Demo:
    """The simulators; they end with the process."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo", daemon=True)

    def start(self) -> dict[str, str]:
        """Start the servers; return their URLs by name."""
        self._thread.start()
        if not self._up.wait(10):
            raise RuntimeError("the simulated servers did not start within 10 s")
        return self.urls

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        simulators = []  # kept, or they would be collected
        for name, (scenario, port, seed) in SERVERS.items():
            simulator = Simulator(scenario=scenario, seed=seed)
            self.urls[name] = await _started(simulator, port)
            simulators.append(simulator)
        self._up.set()
        await asyncio.Event().wait()


async def _started(simulator: Simulator, port: int) -> str:
    """Start on the usual port, where a second start finds the same server; else on a free one."""
    try:
        return await simulator.start(port=port)
    except OSError:
        return await simulator.start(port=0)
