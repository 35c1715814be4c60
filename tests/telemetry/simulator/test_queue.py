"""PromptQueue: order, numbers and the pages of the history."""

import pytest

from telemetry.simulator.queue import PromptQueue, QueueItem

from .client import in_loop


class Changes:
    """Count what would be `status` messages."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def item(number: float, prompt_id: str | None = None) -> QueueItem:
    return QueueItem(number, prompt_id or f"p{number}", {}, {}, [])


def queue(*numbers: float) -> tuple[PromptQueue, Changes]:
    changes = Changes()
    filled = PromptQueue(changes)
    for number in numbers:
        filled.put(item(number))
    changes.count = 0
    return filled, changes


@in_loop
async def test_it_runs_the_smallest_number_first() -> None:
    filled, _ = queue(3, 7.5, -5, 4)

    order = []
    while filled.pending:
        order.append((await filled.get()).number)

    assert order == [-5, 3, 4, 7.5]


def test_it_deletes_one_pending_prompt_with_one_change() -> None:
    filled, changes = queue(1, 2)

    assert filled.delete("p1")
    assert ([i.number for i in filled.pending], changes.count) == ([2], 1)


def test_it_deletes_the_last_pending_prompt_with_two_changes() -> None:
    filled, changes = queue(1)

    assert filled.delete("p1")
    assert (filled.pending, changes.count) == ([], 2)


def test_it_changes_nothing_for_an_unknown_prompt() -> None:
    filled, changes = queue(1)

    assert not filled.delete("other")
    assert changes.count == 0


@in_loop
async def test_it_keeps_one_more_than_the_history_size() -> None:
    filled = PromptQueue(Changes(), history_size=2)

    for number in range(5):
        await finish(filled, item(number))

    assert list(filled.history) == ["p2", "p3", "p4"]


@in_loop
async def test_it_leaves_a_repeated_id_in_its_old_place() -> None:
    filled, _ = queue()

    for number, prompt_id in enumerate(["a", "b", "a"]):
        await finish(filled, item(number, prompt_id))

    assert [entry["prompt"][0] for entry in filled.history.values()] == [2, 1]


# As in capture 12, there with 300 entries.
@pytest.mark.parametrize(
    ("max_items", "offset", "first", "last"),
    [
        (3, -1, 27, 29),
        (3, 0, 0, 2),
        (3, 10, 10, 12),
        (None, 25, 25, 29),
        (3, -5, 27, 29),
        (50, -1, 0, 29),
    ],
)
@in_loop
async def test_it_pages_its_history(
    max_items: int | None, offset: int, first: int, last: int
) -> None:
    filled = await queue_with_history(30)

    page = list(filled.get_history(max_items, offset))

    assert page == [f"p{n}" for n in range(first, last + 1)]


@pytest.mark.parametrize(("max_items", "offset"), [(0, -1), (-1, -1), (None, 10000)])
@in_loop
async def test_it_gives_no_history_for_odd_limits(max_items: int | None, offset: int) -> None:
    filled = await queue_with_history(30)

    assert filled.get_history(max_items, offset) == {}


async def queue_with_history(size: int) -> PromptQueue:
    filled, _ = queue()
    for number in range(size):
        await finish(filled, item(number))
    return filled


async def finish(filled: PromptQueue, one: QueueItem) -> None:
    filled.put(one)
    await filled.get()
    filled.task_done({"outputs": {}}, {"messages": []})
