"""The connections to Redis that the cache's counts travel on."""

from threading import Lock
from typing import Any

from redis import ConnectionPool

_lock = Lock()


class SharedPool(ConnectionPool):
    """A pool that all threads and requests of a process share.

    Django keeps a cache, and with it a pool, per asynchronous context: each request would open a
    connection of its own, and leave it open until the garbage is collected.
    """

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> "SharedPool":
        """Return the process's pool of that Redis; what the first one asks for holds for all."""
        with _lock:
            if url not in _pools:
                _pools[url] = super().from_url(url, **kwargs)
            return _pools[url]


_pools: dict[str, SharedPool] = {}
