"""What viewers are shown, retained: the last fragment per element, the last value per field.

A snapshot is what is retained, read at once: no rendering, no query, and any web process can serve
it though only the collector knows the state. Each topic counts its changes in `seq`; the `epoch`
changes when that counter is lost, so that nobody mistakes an old count for a new one.
"""

import asyncio
import json
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import redis.asyncio
from django.conf import settings
from django.utils.module_loading import import_string

FEED_LIMIT = 50
# Redis answers within a millisecond; beyond this it is away.
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class Fragment:
    """The HTML of one element; `into` names the container where it is new. "" removes it."""

    id: str
    html: str
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What one tick changed of a topic: elements, attributes of elements, lines of the feed.

    Lines are oldest first; one whose id is in the feed already takes the old one's place.
    """

    fragments: list[Fragment] = field(default_factory=list)
    attrs: list[tuple[str, str, str]] = field(default_factory=list)
    feed: list[Fragment] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fragments or self.attrs or self.feed)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A topic's place in its history of changes."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Part:
    """What changed of one server, under the fence (server, number) of who says so."""

    fence: tuple[int, int]
    change: Change


@dataclass(frozen=True, slots=True)
class Stamped:
    """Where a change is in its topic, None where all of it was refused; and the old fences."""

    stamp: Stamp | None
    refused: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything retained of a topic, and how far it counts. The feed is newest first."""

    stamp: Stamp
    fragments: list[Fragment]
    attrs: list[tuple[str, str, str]]
    feed: list[Fragment]


class Store(Protocol):
    """Where what viewers are shown is retained."""

    async def stamp(self, topic: str, parts: list[Part]) -> Stamped:
        """Retain what changed under fences that hold, and return its place in the topic."""

    async def snapshot(self, topic: str) -> Snapshot:
        """Return all that is retained of a topic."""

    async def forget(self, topic: str, prefix: str) -> list[str]:
        """Drop the elements whose id is prefix or begins with prefix-; return their ids."""


@dataclass(slots=True)
class _Topic:
    seq: int = 0
    fragments: "OrderedDict[str, Fragment]" = field(default_factory=OrderedDict)
    attrs: dict[tuple[str, str], str] = field(default_factory=dict)
    feed: "OrderedDict[str, Fragment]" = field(default_factory=OrderedDict)

    def retain(self, change: Change) -> None:
        for fragment in change.fragments:
            if fragment.html:
                before = self.fragments.get(fragment.id)
                into = fragment.into or (before.into if before else None)
                self.fragments[fragment.id] = Fragment(fragment.id, fragment.html, into)
            else:
                self.fragments.pop(fragment.id, None)
        for element, name, value in change.attrs:
            self.attrs[element, name] = value
        for line in change.feed:
            self.feed[line.id] = line  # one that is told again keeps its place
        while len(self.feed) > FEED_LIMIT:
            self.feed.popitem(last=False)


class MemoryStore:
    """The store of the embedded mode: this process's memory, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch = secrets.token_hex(4)
        self._topics: dict[str, _Topic] = {}
        self._fences: dict[int, int] = {}

    async def stamp(self, topic: str, parts: list[Part]) -> Stamped:
        """Retain what changed under fences that hold, and return its place in the topic."""
        with self._lock:
            kept = self._topics.setdefault(topic, _Topic())
            taken = [part for part in parts if self._holds(part.fence)]
            for part in taken:
                kept.retain(part.change)
            refused = frozenset(part.fence for part in parts) - {part.fence for part in taken}
            kept.seq += bool(taken)
            return Stamped(Stamp(self._epoch, kept.seq) if taken else None, refused)

    def _holds(self, fence: tuple[int, int]) -> bool:
        server_id, number = fence
        newest = self._fences.get(server_id, 0)
        self._fences[server_id] = max(number, newest)
        return number >= newest

    async def snapshot(self, topic: str) -> Snapshot:
        """Return all that is retained of a topic."""
        with self._lock:
            kept = self._topics.setdefault(topic, _Topic())
            attrs = [(element, name, value) for (element, name), value in kept.attrs.items()]
            feed = list(reversed(kept.feed.values()))
            stamp = Stamp(self._epoch, kept.seq)
            return Snapshot(stamp, list(kept.fragments.values()), attrs, feed)

    async def forget(self, topic: str, prefix: str) -> list[str]:
        """Drop the elements whose id is prefix or begins with prefix-; return their ids."""
        with self._lock:
            kept = self._topics.setdefault(topic, _Topic())
            gone = [key for key in kept.fragments if _belongs(key, prefix)]
            for key in gone:
                del kept.fragments[key]
            for attr in [attr for attr in kept.attrs if _belongs(attr[0], prefix)]:
                del kept.attrs[attr]
            return gone


def _belongs(element: str, prefix: str) -> bool:
    return element == prefix or element.startswith(f"{prefix}-")


# One script, so that fence, retention and count cannot fall apart. KEYS: fences, epoch, seq,
# fragments, attrs, feed, feed order. ARGV: fresh epoch, feed limit, then server, fence and change
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
    for _, a in ipairs(change.attrs) do
      redis.call('HSET', KEYS[5], cjson.encode({a[1], a[2]}), a[3])
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
        parts = ("seq", "fragments", "attrs", "feed", "order")
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
        epoch, seq, fragments, attrs, feed, order = await self._ask(
            _SNAPSHOT, keys, secrets.token_hex(4)
        )
        lines = _pairs(feed)
        kept = sorted((key, json.loads(value)) for key, value in _pairs(fragments).items())
        return Snapshot(
            Stamp(epoch, int(seq)),
            # A shell's id is a prefix of its parts' ids: sorted, it comes before them.
            [Fragment(key, html, into or None) for key, (html, into) in kept],
            [(*json.loads(key), value) for key, value in _pairs(attrs).items()],
            [Fragment(key, lines[key], "feed") for key in order if key in lines],
        )

    async def forget(self, topic: str, prefix: str) -> list[str]:
        """Drop the elements whose id is prefix or begins with prefix-; return their ids."""
        gone: list[str] = await self._ask(_FORGET, self._keys(topic), prefix)
        return gone


def _body(change: Change) -> str:
    return json.dumps(
        {
            "fragments": [[f.id, f.html, f.into or ""] for f in change.fragments],
            "attrs": change.attrs,
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


@cache
def live_store() -> Store:
    """Return this process's store, as the settings choose it."""
    store: Store = import_string(settings.LIVE_STORE)()
    return store
