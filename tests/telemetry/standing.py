"""A simulated ComfyUI in a thread of its own, for what asks it from ordinary views."""

import asyncio
import contextlib
import threading

from telemetry.simulator import Simulator


@contextlib.contextmanager
def standing(**options):
    """Yield (simulator, do): `do` runs a function of the simulator on its loop, and returns it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    simulator = Simulator(**{"speed": 10.0, **options})

    def do(work):
        async def call():
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(call(), loop).result(10)

    do(simulator.start)
    try:
        yield simulator, do
    finally:
        do(simulator.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
