"""Requests share the cache's connections: a context of its own is no reason for another one."""

from contextvars import Context
from typing import Any, cast

from django.conf import settings
from django.core.cache import CacheHandler
from django.core.cache.backends.redis import RedisCache
from redis import ConnectionPool

URL = "redis://127.0.0.1:6379/15"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": URL,
        "OPTIONS": {"pool_class": "config.cache_pool.SharedPool"},
    }
}


def pool_of(caches: CacheHandler) -> ConnectionPool:
    cache = cast(RedisCache, caches["default"])
    client: Any = cache._cache.get_client(write=True)  # type: ignore[attr-defined]
    return cast(ConnectionPool, client.connection_pool)


def test_it_gives_each_request_the_same_connections() -> None:
    caches = CacheHandler(CACHES)

    first, second = (Context().run(pool_of, caches) for _ in range(2))

    assert first is second


def test_it_keeps_the_connections_of_each_redis_apart() -> None:
    other = {"default": CACHES["default"] | {"LOCATION": URL.replace("/15", "/14")}}

    assert pool_of(CacheHandler(CACHES)) is not pool_of(CacheHandler(other))


def test_it_is_what_the_site_counts_in_when_it_has_a_redis() -> None:
    configured = settings.CACHES["default"]

    assert "redis" not in configured["BACKEND"] or (
        configured["OPTIONS"] == CACHES["default"]["OPTIONS"]
    )
