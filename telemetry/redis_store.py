"""The store of the team mode: Redis, shared by all processes. stores.py tells its promises."""

import asyncio
import json
import secrets
from typing import Any

import redis.asyncio
from django.conf import settings

from telemetry.stores import (
    FEED_LIMIT,
    Change,
    Fragment,
    Part,
    Snapshot,
    Stamp,
    Stamped,
    snapshot_of,
)

# Redis answers within a millisecond; beyond this it is away.
ANSWER_S = 5.0

# One script, so that fence, retention and count cannot fall apart. KEYS: fences, epoch, seq,
# fragments, values, feed, feed order. ARGV: fresh epoch, feed limit, then server, fence and change
# as JSON of each part. Returns epoch, seq (0: nothing was taken), and the servers refused.
_STAMP = """
local refused, lines, taken = {}, {}, false
for place = 3, #ARGV, 3 do
  local server, fence = ARGV[place], tonumber(ARGV[place + 1])
  if fence < tonumber(redis.call('HGET', KEYS[1], server) or '0') then
    table.insert(refused, server)
  else
    redis.call('HSET', KEYS[1], server, ARGV[place + 1])
    taken = true
    local change = cjson.decode(ARGV[place + 2])
    for _, f in ipairs(change.fragments) do
      if f[2] == '' then redis.call('HDEL', KEYS[4], f[1])
      else
        local before = redis.call('HGET', KEYS[4], f[1])
        if f[3] == '' and before then f[3] = cjson.decode(before)[2] end
        redis.call('HSET', KEYS[4], f[1], cjson.encode({f[2], f[3]}))
      end
    end
    for _, v in ipairs(change.values) do
      redis.call('HSET', KEYS[5], cjson.encode({v[1], v[2]}), v[3])
    end
    for _, l in ipairs(change.feed) do table.insert(lines, l) end
  end
end
redis.call('SETNX', KEYS[2], ARGV[1])
local seq = 0
if taken then seq = redis.call('INCR', KEYS[3]) end
for i, l in ipairs(lines) do
  redis.call('HSET', KEYS[6], l[1], l[2])
  redis.call('ZADD', KEYS[7], 'NX', seq * 10000 + i, l[1])
end
local extra = redis.call('ZCARD', KEYS[7]) - tonumber(ARGV[2])
if extra > 0 then
  for _, id in ipairs(redis.call('ZPOPMIN', KEYS[7], extra)) do
    redis.call('HDEL', KEYS[6], id)
  end
end
return {redis.call('GET', KEYS[2]), seq, refused}
"""

_SNAPSHOT = """
redis.call('SETNX', KEYS[2], ARGV[1])
return {redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3]) or '0',
  redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5]), redis.call('HGETALL', KEYS[6]),
  redis.call('ZREVRANGE', KEYS[7], 0, -1)}
"""


_FORGET = """
local function belongs(id) return id == ARGV[1] or id:sub(1, #ARGV[1] + 1) == ARGV[1] .. '-' end
local gone = {}
for _, id in ipairs(redis.call('HKEYS', KEYS[4])) do
  if belongs(id) then
    table.insert(gone, id)
    redis.call('HDEL', KEYS[4], id)
  end
end
for _, key in ipairs(redis.call('HKEYS', KEYS[5])) do
  if belongs(cjson.decode(key)[1]) then redis.call('HDEL', KEYS[5], key) end
end
return gone
"""

# ARGV: server, fence, then prefixes. Returns 0 where the fence is old, else ids and HTML in turn.
_RETAINED = """
if tonumber(ARGV[2]) < tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local found = {}
for _, id in ipairs(redis.call('HKEYS', KEYS[4])) do
  for place = 3, #ARGV do
    local prefix = ARGV[place]
    if id == prefix or id:sub(1, #prefix + 1) == prefix .. '-' then
      table.insert(found, id)
      table.insert(found, cjson.decode(redis.call('HGET', KEYS[4], id))[1])
    end
  end
end
return found
"""


class RedisStore:
    """The store of the team mode: Redis, shared by all processes."""

    def __init__(self) -> None:
        self._clients: dict[int, Any] = {}

    def _client(self) -> Any:
        """Return this event loop's client: redis.asyncio connections cannot change loops."""
        loop = asyncio.get_running_loop()
        found = self._clients.get(id(loop))
        if found is None or found[0] is not loop:
            # With a socket_timeout redis-py waits through asyncio.wait_for, which loses a
            # cancellation on Python 3.11 now and then; `_ask` has a limit of its own.
            client = redis.asyncio.from_url(
                settings.REDIS_URL, decode_responses=True, socket_timeout=None
            )
            self._clients = {k: v for k, v in self._clients.items() if not v[0].is_closed()}
            self._clients[id(loop)] = found = (loop, client)
            _close_with(loop, client)
        return found[1]

    async def _ask(self, script: str, keys: list[str], *words: str | int) -> Any:
        """Run a script; raises TimeoutError where Redis does not answer within ANSWER_S."""
        async with asyncio.timeout(ANSWER_S):
            return await self._client().eval(script, len(keys), *keys, *words)

    @staticmethod
    def _keys(topic: str) -> list[str]:
        parts = ("seq", "fragments", "values", "feed", "order")
        return ["live:fences", "live:epoch", *(f"live:{topic}:{part}" for part in parts)]

    async def stamp(self, topic: str, parts: list[Part]) -> Stamped:
        """Retain what changed under fences that hold, and return its place in the topic."""
        keys = self._keys(topic)
        said = [word for part in parts for word in (*part.fence, _body(part.change))]
        epoch, seq, refused = await self._ask(_STAMP, keys, secrets.token_hex(4), FEED_LIMIT, *said)
        old = frozenset(part.fence for part in parts if str(part.fence[0]) in refused)
        return Stamped(Stamp(epoch, int(seq)) if int(seq) else None, old)

    async def snapshot(self, topic: str) -> Snapshot:
        """Return all that is retained of a topic."""
        keys = self._keys(topic)
        epoch, seq, fragments, values, feed, order = await self._ask(
            _SNAPSHOT, keys, secrets.token_hex(4)
        )
        lines = _pairs(feed)
        kept = sorted((key, json.loads(value)) for key, value in _pairs(fragments).items())
        return snapshot_of(
            Stamp(epoch, int(seq)),
            # A shell's id is a prefix of its parts' ids: sorted, it comes before them.
            [Fragment(key, html, into or None) for key, (html, into) in kept],
            [(*json.loads(key), value) for key, value in _pairs(values).items()],
            [Fragment(key, lines[key], "feed") for key in order if key in lines],
        )

    async def forget(self, topic: str, prefix: str) -> list[str]:
        """Drop the elements whose id is prefix or begins with prefix-; return their ids."""
        gone: list[str] = await self._ask(_FORGET, self._keys(topic), prefix)
        return gone

    async def retained(
        self, topic: str, fence: tuple[int, int], prefixes: tuple[str, ...]
    ) -> dict[str, str] | None:
        """Return the HTML of the elements that belong to the prefixes; refuse older numbers."""
        found = await self._ask(_RETAINED, self._keys(topic), *fence, *prefixes)
        return None if found == 0 else _pairs(found)

    async def answer(self) -> None:
        """Return while Redis answers; raises RedisError or OSError, TimeoutError among them."""
        async with asyncio.timeout(ANSWER_S):
            await self._client().ping()


def _body(change: Change) -> str:
    return json.dumps(
        {
            "fragments": [[f.id, f.html, f.into or ""] for f in change.fragments],
            "values": change.values,
            "feed": [[line.id, line.html] for line in change.feed],
        }
    )


def _close_with(loop: asyncio.AbstractEventLoop, client: Any) -> None:
    """Have the client's connections closed by the loop's own close, its last chance to do so."""
    close = loop.close

    def closing() -> None:
        if not loop.is_closed() and not loop.is_running():
            loop.run_until_complete(client.aclose())
        close()

    loop.close = closing  # type: ignore[method-assign]


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
