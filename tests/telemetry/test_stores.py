"""What viewers are shown, retained: the same promises from memory and from Redis."""

import asyncio
import contextlib
import itertools
import re
import threading

import pytest
from django.conf import settings

from telemetry.envelope import change_text, snapshot_text
from telemetry.hot import Hot
from telemetry.redis_store import RedisStore
from telemetry.stores import FEED_LIMIT, Change, Fragment, MemoryStore, Part, Stamp
from tests.cast import NOON

FENCE = (3, 1)


STORES = ["memory", *(["redis"] if settings.REDIS_URL else [])]


@pytest.fixture(params=STORES)
def run(request):
    """Return a function that runs coroutine functions with one store, on one loop."""
    with asyncio.Runner() as runner:
        store = MemoryStore() if request.param == "memory" else RedisStore()
        yield lambda work: runner.run(work(store))


async def stamp(store, topic, fence, change):
    """Stamp what one server changed; return its place, None where it is refused."""
    return (await store.stamp(topic, [Part(fence, change)])).stamp


def html(element, text="x"):
    return Fragment(element, f'<p id="{element}">{text}</p>', "servers")


def test_it_counts_the_changes_of_a_topic_from_one(run):
    async def work(store):
        first = await stamp(store, "team-1", FENCE, Change([html("server-3")]))
        second = await stamp(store, "team-1", FENCE, Change([html("server-3", "y")]))
        return first, second, (await store.snapshot("team-1")).stamp

    first, second, now = run(work)
    assert (first.seq, second.seq) == (1, 2)
    assert first.epoch == second.epoch == now.epoch
    assert now.seq == 2


def test_it_retains_the_last_of_each_element_and_field(run):
    async def work(store):
        attrs = [("server-3", "data-state", "idle")]
        await stamp(store, "t", FENCE, Change([html("server-3", "old")], attrs))
        attrs = [("server-3", "data-state", "executing")]
        new = Fragment("server-3", '<p id="server-3">new</p>')
        await stamp(store, "t", FENCE, Change([new], attrs))
        return await store.snapshot("t")

    kept = run(work)
    assert [(f.html, f.into) for f in kept.fragments] == [('<p id="server-3">new</p>', "servers")]
    assert kept.patches == [("server-3", "data-state", "executing")]


def test_it_shows_the_last_value_in_its_slot(run):
    hot = Hot("server-3-step", "text", "step 1")
    exec_ = Fragment("server-3-exec", f"<p>{hot}</p>", "servers", (hot.patch,))

    async def work(store):
        await stamp(store, "t", FENCE, Change([exec_]))
        await stamp(store, "t", FENCE, Change(patches=[("server-3-step", "text", "<step 2>")]))
        return await store.snapshot("t")

    kept = run(work)
    assert [fragment.html for fragment in kept.fragments] == ["<p>&lt;step 2&gt;</p>"]
    assert kept.patches == []


def test_it_keeps_facts_for_programs_and_tells_no_viewer(run):
    facts = [("server-3-facts", "facts", '{"condition":"idle"}')]

    async def work(store):
        await stamp(store, "t", FENCE, Change([html("server-3")], facts=facts))
        kept = await store.snapshot("t")
        await store.forget("t", "server-3")
        return kept, await store.snapshot("t")

    kept, after = run(work)
    assert kept.values == {("server-3-facts", "facts"): '{"condition":"idle"}'}
    assert "condition" not in snapshot_text("t", kept, NOON)
    assert after.values == {}


def test_a_change_goes_to_viewers_without_its_facts():
    change = Change([html("server-3")], facts=[("server-3-facts", "facts", "secret")])

    assert "secret" not in change_text("t", Stamp("e", 1), change, NOON)


def test_facts_alone_are_no_change():
    assert not Change(facts=[("server-3-facts", "facts", "{}")])


def test_it_forgets_values_with_their_server(run):
    hot = Hot("server-3-step", "text", "step 1")
    exec_ = Fragment("server-3-exec", f"<p>{hot}</p>", "servers", (hot.patch,))

    async def work(store):
        await stamp(store, "t", FENCE, Change([exec_]))
        await store.forget("t", "server-3")
        await stamp(store, "t", FENCE, Change([Fragment("server-3-exec", f"<p>{hot}</p>")]))
        return await store.snapshot("t")

    assert [fragment.html for fragment in run(work).fragments] == ["<p></p>"]


def test_it_lists_a_shell_before_its_parts(run):
    async def work(store):
        change = Change([html("server-3"), html("server-3-exec"), html("server-3-head")])
        await stamp(store, "t", FENCE, change)
        return [fragment.id for fragment in (await store.snapshot("t")).fragments]

    assert run(work)[0] == "server-3"


def test_it_drops_an_element_that_is_removed(run):
    async def work(store):
        await stamp(store, "t", FENCE, Change([html("server-3")]))
        await stamp(store, "t", FENCE, Change([Fragment("server-3", "")]))
        return (await store.snapshot("t")).fragments

    assert run(work) == []


def test_it_keeps_the_newest_lines_of_the_feed_once_each(run):
    async def work(store):
        for number in range(FEED_LIMIT + 5):
            line = Fragment(f"event-{number}", f"<li>{number}</li>", "feed")
            await stamp(store, "t", FENCE, Change(feed=[line]))
        await stamp(
            store, "t", FENCE, Change(feed=[Fragment("event-20", "<li>again</li>", "feed")])
        )
        return [line.html for line in (await store.snapshot("t")).feed]

    feed = run(work)
    assert len(feed) == FEED_LIMIT
    assert feed[0] == f"<li>{FEED_LIMIT + 4}</li>"
    assert feed[FEED_LIMIT + 4 - 20] == "<li>again</li>"


def test_it_refuses_an_owner_whose_fence_is_old(run):
    async def work(store):
        await stamp(store, "t", (3, 2), Change([html("server-3", "new owner")]))
        refused = await stamp(store, "t", (3, 1), Change([html("server-3", "old owner")]))
        other = await stamp(store, "t", (4, 1), Change([html("server-4")]))
        return refused, other, await store.snapshot("t")

    refused, other, kept = run(work)
    assert refused is None
    assert other is not None
    assert "new owner" in kept.fragments[0].html


def test_it_takes_the_parts_of_others_where_one_fence_is_old(run):
    async def work(store):
        await store.stamp("t", [Part((3, 2), Change([html("server-3", "new owner")]))])
        parts = [
            Part((3, 1), Change([html("server-3", "old owner")], [("server-3", "a", "b")])),
            Part((4, 1), Change([html("server-4")])),
        ]
        return await store.stamp("t", parts), await store.snapshot("t")

    stamped, kept = run(work)
    assert stamped.refused == {(3, 1)}
    assert stamped.stamp.seq == 2
    assert [f.id for f in kept.fragments if "old owner" in f.html] == []
    assert kept.patches == []
    assert {f.id for f in kept.fragments} == {"server-3", "server-4"}


def test_it_counts_nothing_where_every_part_is_refused(run):
    async def work(store):
        await store.stamp("t", [Part((3, 2), Change([html("server-3")]))])
        refused = await store.stamp("t", [Part((3, 1), Change([html("server-3", "old")]))])
        return refused, await store.snapshot("t")

    refused, kept = run(work)
    assert refused.stamp is None
    assert kept.stamp.seq == 1


def test_it_tells_what_is_retained_of_some_elements(run):
    async def work(store):
        change = Change([html("run-7-mini", "seven"), html("runs"), html("running"), html("x")])
        await stamp(store, "t", FENCE, change)
        return await store.retained("t", (-1, 5), ("run", "runs"))

    assert run(work) == {
        "run-7-mini": '<p id="run-7-mini">seven</p>',
        "runs": '<p id="runs">x</p>',
    }


def test_it_refuses_what_is_older_than_the_number_it_was_asked_under(run):
    async def work(store):
        await store.retained("t", (-1, 5), ("run",))
        older = await store.retained("t", (-1, 4), ("run",))
        return older, await stamp(store, "t", (-1, 4), Change([html("run-7-mini")]))

    assert run(work) == (None, None)


def test_it_forgets_a_server_with_its_parts_and_no_other(run):
    async def work(store):
        change = Change([html("server-3"), html("server-3-head"), html("server-30")])
        await stamp(store, "t", FENCE, change)
        gone = await store.forget("t", "server-3")
        return gone, [fragment.id for fragment in (await store.snapshot("t")).fragments]

    gone, left = run(work)
    assert sorted(gone) == ["server-3", "server-3-head"]
    assert left == ["server-30"]


def test_it_keeps_topics_apart(run):
    async def work(store):
        await stamp(store, "team-1", FENCE, Change([html("server-3")]))
        return (await store.snapshot("team-2")).fragments

    assert run(work) == []


def numbered(number):
    """Return a change that tells its own number in each way: an element, a value, a line."""
    said = str(number)
    line = Fragment("event-1", f'<li id="event-1">{said}</li>')
    return Change([html("server-3", said)], [("server-3", "data-state", said)], [line])


def told_in(snapshot):
    """Return each number that a snapshot of numbered changes tells."""
    fragment, line = snapshot.fragments[0].html, snapshot.feed[0].html
    told = [*re.findall(r">(\d+)<", fragment + line), snapshot.patches[0][2]]
    return frozenset({snapshot.stamp.seq, *map(int, told)})


@contextlib.contextmanager
def written_all_the_time(store):
    """Have numbered changes stamped without a pause by a thread of its own, from the first on."""
    begun, ended = threading.Event(), threading.Event()

    async def work():
        for number in itertools.count(1):
            await stamp(store, "team-1", FENCE, numbered(number))
            begun.set()
            if ended.is_set():
                return

    writer = threading.Thread(target=asyncio.run, args=(work(),))
    writer.start()
    try:
        assert begun.wait(5)
        yield
    finally:
        ended.set()
        writer.join()


def test_a_snapshot_is_of_one_moment_also_while_others_write(run):
    async def read(store):
        seen = set()
        with written_all_the_time(store if isinstance(store, MemoryStore) else RedisStore()):
            async with asyncio.timeout(10):
                while len(seen) < 40:
                    seen.add(told_in(await store.snapshot("team-1")))
        return seen

    assert [numbers for numbers in run(read) if len(numbers) > 1] == []
