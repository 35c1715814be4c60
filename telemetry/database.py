"""Database work from an event loop: in a thread, which leaves no connection behind."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import close_old_connections

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Return work(*args), run in a thread that may use the ORM."""
    return await asyncio.to_thread(with_connection, work, *args)


def with_connection(work: Callable[..., T], *args: Any) -> T:
    """Return work(*args), and leave no connection behind in this thread."""
    close_old_connections()
    try:
        return work(*args)
    finally:
        close_old_connections()
