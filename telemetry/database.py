"""Database work from an event loop: in a thread, which leaves no connection behind."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import (
    DatabaseError,
    InterfaceError,
    close_old_connections,
    connection,
    connections,
)

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


def hand_back() -> None:
    """Leave this thread's connection to others while it waits; its next query takes one again.

    Web processes have few of them, and what asks a server, or sends to whoever reads slowly, may
    take as long as those like.
    """
    if not connection.in_atomic_block:
        close_old_connections()


class DatabaseThread:
    """A thread of its own that keeps its connection: for work that comes every few seconds."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Return work(*args); after an error of the database the next work connects anew."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _kept, work, *args)

    async def close(self) -> None:
        """Close the connection, and end the thread."""
        await self.run(connections.close_all)
        self._executor.shutdown(wait=False)


def _kept(work: Callable[..., T], *args: Any) -> T:
    try:
        return work(*args)
    except (DatabaseError, InterfaceError):
        connections.close_all()
        raise


def end_when_idle(seconds: float) -> None:
    """Have the database end this transaction if nothing is said in it for so long.

    A process that was stopped, or whose machine lost its power, would hold its locks for hours.
    SQLite has no such thing, and no other machine.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", idle_limit(seconds))


def idle_limit(seconds: float) -> tuple[str, str]:
    """Return PostgreSQL's setting that does so, and its value."""
    return "idle_in_transaction_session_timeout", f"{int(seconds * 1000)}ms"
