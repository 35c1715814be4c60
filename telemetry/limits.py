"""How often somebody may do something: counted in the cache, in windows of fixed length.

In team mode the cache is Redis, and all processes count together.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# A window's count outlives it by this, for clocks that differ.
SLACK_S = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` of what `name` says within `window_s` seconds, by each who."""

    name: str
    most: int
    window_s: int

    def spend(self, who: str, at: datetime) -> int | None:
        """Count one more; return None, or beyond the limit the seconds until the next window.

        While the cache is away everything is allowed: a limit must not be what takes a site down.
        """
        window, passed_s = divmod(int(at.timestamp()), self.window_s)
        key = f"limit:{self.name}:{who}:{window}"
        try:
            cache.add(key, 0, self.window_s + SLACK_S)
            count = cache.incr(key)
        except ValueError:  # between the two calls the cache made room
            return None
        except (RedisError, OSError) as error:
            log.warning("limits: %s cannot be counted: %s", self.name, error)
            return None
        return self.window_s - passed_s if count > self.most else None
