"""A process that publishes steps at an even rate, through the site's own door or past it.

`python -m benchmarks._live.publisher site|bare TOPIC SERVER RATE SECONDS`: "site" is what the
collector calls, telemetry.publishing.publish; "bare" sends the text of such a change to the Redis
channel that bare.py listens to. It prints "began" before the first and "published N" at last.
The step's value is the monotonic time of sending in ns: the viewers are on the same machine.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import django

from benchmarks._live.bare import CHANNEL

Send = Callable[[int], Awaitable[object]]


async def main(way: str, topic: str, server: int, rate: float, seconds: float) -> None:
    """Publish at an even rate; a moment that was missed is made up for, not left out."""
    send = {"site": _to_site, "bare": _to_bare}[way](topic, server)
    await asyncio.sleep(1)
    print("began", flush=True)
    count, began = round(rate * seconds), time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        await send(number)
    print(f"published {count}", flush=True)


def _patches(server: int, number: int) -> list[tuple[str, str, str]]:
    """Return what a step changes, as telemetry/prompt_rows.py says it."""
    percent = f"{number % 1000 / 10:.1f}%"
    sent_ns = str(time.monotonic_ns())
    return [(f"server-{server}-step", "text", sent_ns), (f"server-{server}-bar", "width", percent)]


def _to_site(topic: str, server: int) -> Send:
    from telemetry.publishing import publish
    from telemetry.stores import Change, Part

    async def send(number: int) -> object:
        stamped = await publish(
            topic, [Part((server, 1), Change(patches=_patches(server, number)))]
        )
        assert stamped is not None
        return stamped

    return send


def _to_bare(topic: str, server: int) -> Send:
    import redis.asyncio
    from django.conf import settings

    from telemetry.clock import now
    from telemetry.envelope import change_text
    from telemetry.stores import Change, Stamp

    client = redis.asyncio.from_url(settings.REDIS_URL, socket_timeout=None)

    async def send(number: int) -> object:
        change = Change(patches=_patches(server, number))
        return await client.publish(
            CHANNEL, change_text(topic, Stamp("00000000", number + 1), change, now())
        )

    return send


if __name__ == "__main__":
    django.setup()
    chosen, followed, pk, per_s, duration = sys.argv[1:]
    asyncio.run(main(chosen, followed, int(pk), float(per_s), float(duration)))
