"""Every hostile server there is, in one process: `python crowd.py URL`, the redirect's target.

Says where each of them listens, as JSON in a line, and goes on until killed.
"""

import asyncio
import json
import sys

from telemetry.simulator.hostile import KINDS, Hostile
from telemetry.simulator.server import Simulator


async def main(redirect_to):
    crowd = {name: Simulator(name) for name in ("liar", "storm")}
    for kind in KINDS:
        crowd[kind] = Hostile(kind, redirect_to if kind == "redirect" else None)
    urls = {name: await server.start("127.0.0.1", 0) for name, server in crowd.items()}
    sys.stdout.write(json.dumps(urls) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
