"""Simulated ComfyUIs, each a process of its own that can be killed; one may be cut off."""

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.processes import ROOT, Process, free_port, listens, until
from benchmarks.stack import HOST, Stack

# Two benchmarks at once must not share one.
NETWORK = f"10.213.{os.getpid() % 256}"


@dataclass(slots=True)
class Simulated:
    """A simulated ComfyUI: where Scenewatch finds it, and where its submitter does."""

    number: int
    host: str
    port: int
    url: str
    namespace: str | None = None
    server_id: int = 0
    process: Process | None = None

    @property
    def watched_url(self) -> str:
        """Return the address that Scenewatch is given: through the link that can be cut."""
        return f"http://{NETWORK}.2:{self.port}" if self.namespace else self.url

    def start(self, stack: Stack) -> None:
        """Start it on its port."""
        prefix = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        host = "0.0.0.0" if self.namespace else self.host
        command = ["simulate_comfyui", "--scenario", "none", "--host", host]
        manage = [sys.executable, str(ROOT / "manage.py"), *command, "--port", str(self.port)]
        name = f"comfyui-{self.number}"
        self.process = Process(name, [*prefix, *manage], stack.folder, stack.env)
        stack.processes.append(self.process)

    def wait(self) -> None:
        """Wait until it listens."""
        until(lambda: listens(self.port, self.host), f"ComfyUI {self.number}")

    def kill(self) -> None:
        """End it as kill -9 does: queue and history are gone."""
        assert self.process is not None
        self.process.kill()


def on_loopback(number: int) -> Simulated:
    """Return a server, not started yet, on a free port of this machine."""
    port = free_port()
    return Simulated(number, HOST, port, f"http://{HOST}:{port}")


class Network:
    """A network namespace with two links: Scenewatch's, which can be cut, and the submitter's.

    Needs root and iproute2; `problem` says why there is none.
    """

    def __init__(self) -> None:
        self.name = f"scenewatch-{os.getpid()}"
        self.links = (f"swa{os.getpid()}", f"swb{os.getpid()}")
        self.problem = ""

    def open(self) -> bool:
        """Make the namespace and its links; say whether that was possible."""
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError) as error:
            self.problem = "not run: needs root and iproute2"
            if os.getuid() == 0:
                self.problem = f"not run: {getattr(error, 'stderr', '') or error}".strip()
            self.close()
            return False
        return True

    def server(self, number: int) -> Simulated:
        """Return a server, not started yet, in the namespace."""
        host, port = f"{NETWORK}.6", free_port()
        return Simulated(number, host, port, f"http://{host}:{port}", self.name)

    def _make(self) -> None:
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "set", "lo", "up")
        for place, link in enumerate(self.links):
            inner = f"eth{place}"
            _ip("link", "add", link, "type", "veth", "peer", "name", inner, "netns", self.name)
            _ip("addr", "add", f"{NETWORK}.{4 * place + 1}/30", "dev", link)
            _ip("-n", self.name, "addr", "add", f"{NETWORK}.{4 * place + 2}/30", "dev", inner)
            _ip("link", "set", link, "up")
            _ip("-n", self.name, "link", "set", inner, "up")
        # Without it the first packets into the cut would come back as "no route to host".
        words = _ip("-n", self.name, "link", "show", "eth0").split()
        mac = words[words.index("link/ether") + 1]
        neighbour = ("neigh", "replace", f"{NETWORK}.2", "lladdr", mac)
        _ip(*neighbour, "dev", self.links[0], "nud", "permanent")

    def cut(self) -> None:
        """Lose every packet between Scenewatch and the server, in silence."""
        _ip("-n", self.name, "link", "set", "eth0", "down")

    def mend(self) -> None:
        """Let packets through again."""
        _ip("-n", self.name, "link", "set", "eth0", "up")

    def close(self) -> None:
        """Remove the namespace, and its links with it."""
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _ip("netns", "del", self.name)


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
    return done.stdout
