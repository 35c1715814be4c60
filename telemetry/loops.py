"""Things of which each event loop has one of its own."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Made = TypeVar("Made")


def one_per_loop(make: Callable[[], Made]) -> Callable[[], Made]:
    """Have a function return what it made for the running event loop when first asked there."""
    made: dict[int, tuple[asyncio.AbstractEventLoop, Made]] = {}

    @wraps(make)
    def found() -> Made:
        loop = asyncio.get_running_loop()
        kept = made.get(id(loop))
        if kept is None or kept[0] is not loop:
            kept = made[id(loop)] = (loop, make())
        return kept[1]

    return found
