"""A simulated ComfyUI in a process of its own: `python comfyui.py PORT`, until it is killed.

It runs what it is sent. `manage.py simulate_comfyui` does the same, but loads all of the site first
and so takes four times as long to begin; benchmarks/stack.py starts that one.
"""

import asyncio
import sys

from telemetry.simulator.server import Simulator


async def main(port: int) -> None:
    await Simulator(None).start("127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
