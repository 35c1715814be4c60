"""Page ComfyUI's history back to what is known, gently: 50 at a time, 2 pages a second at most.

`max_items` alone gives the newest; with `offset` ComfyUI counts from the oldest end, so the number
of entries has to be found first (by doubling, then halving; answers of one entry). New entries
append at the other end; where the cap evicts, entries only move towards lower offsets: walking down
may read some twice and misses none.
"""

import asyncio
from collections.abc import Awaitable, Callable

from telemetry.protocol import HistoryAnswer

PAGE_SIZE = 50
LARGEST = 10_000
PAUSE_S = 0.5

# Asks /history with this query and takes the answer in; says whether it named a known prompt.
AskHistory = Callable[[dict[str, int]], Awaitable[tuple[HistoryAnswer, bool]]]


async def page_back(
    ask: AskHistory, beyond: Callable[[], None], size: int = PAGE_SIZE, pause_s: float = PAUSE_S
) -> int:
    """Read the history back to the first known prompt; return how many entries were read.

    `beyond` is called once the newest page turns out not to be enough.
    """
    answer, known = await ask({"max_items": size})
    read = len(answer.entries) + answer.malformed
    if known or read < size:
        return read
    beyond()
    offset = await _count(ask) - size
    while offset > 0 and not known and read < LARGEST:
        await asyncio.sleep(pause_s)
        offset = max(0, offset - size)
        answer, known = await ask({"max_items": size, "offset": offset})
        read += len(answer.entries) + answer.malformed
    return read


async def _count(ask: AskHistory) -> int:
    """Return the number of entries, at most LARGEST + 1 (which is ComfyUI's own cap)."""
    low, high = 0, PAGE_SIZE
    while high <= LARGEST and await _exists(ask, high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await _exists(ask, middle) else (low, middle)
    return min(high, LARGEST + 1)


async def _exists(ask: AskHistory, offset: int) -> bool:
    answer, _ = await ask({"max_items": 1, "offset": offset})
    return bool(answer.entries) or answer.malformed > 0
