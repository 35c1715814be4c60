"""The least that a Python server can do: one Redis subscription, `websockets.broadcast`.

`python -m benchmarks._live.bare PORT REDIS_URL`. No sessions, topics, places, queues or limits: the
divisor of the benchmark `fanout`, not a peer of the site.
"""

import asyncio
import sys

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve

CHANNEL = "benchmark.bare"


async def main(port: int, redis_url: str) -> None:
    """Serve until ended."""
    viewers: set[ServerConnection] = set()

    async def look(connection: ServerConnection) -> None:
        await connection.send('{"v":1,"type":"hello"}')
        viewers.add(connection)
        try:
            async for _ in connection:
                pass  # acknowledgements
        finally:
            viewers.discard(connection)

    client = redis.asyncio.from_url(redis_url, decode_responses=True, socket_timeout=None)
    async with serve(look, "127.0.0.1", port, compression=None), client.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():
            if message["type"] == "message":
                broadcast(viewers, message["data"])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
