"""Invent, and write rows down as csv, in a process of its own: PostgreSQL is busy enough.

The two talk over a pipe: the process says how many ids the next runs need, is told the first ones,
and answers with the rows and with what the runs after those need. So it has a part ready while the
one before is loaded, and no more than two are in memory. It ends with either end of the pipe.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection

from history.csv_text import csv_of
from history.invented.rows import Ids, Place, Rows, count
from history.invented.runs import Inventor

# What is heard of a pipe whose other end is gone.
GONE = (EOFError, BrokenPipeError, ConnectionResetError)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Some runs as the csv of each table, in order; `failed` are the ids of attempts that did."""

    count: Ids
    rows: int
    texts: tuple[bytes, ...]
    failed: list[int]


def prepared_apart(
    inventor: Inventor, place: Place, size: int, reserve: Callable[[Ids], Ids]
) -> Iterator[Prepared]:
    """Yield all runs of an inventor, so many at once, under ids that `reserve` returns."""
    with _process(inventor, place, size) as pipe:
        wanted: Ids | None = pipe.recv()
        if wanted is not None:
            pipe.send(reserve(wanted))
        while wanted is not None:
            part, wanted = pipe.recv()
            if wanted is not None:
                pipe.send(reserve(wanted))
            yield part


@contextmanager
def _process(inventor: Inventor, place: Place, size: int) -> Iterator[Connection]:
    # Spawned: what this process has open, connections to the database among it, stays its own.
    spawned = get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=prepare, args=(theirs, inventor, place, size), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    except GONE:
        process.join()
        told = f"The process that invents runs ended with status {process.exitcode}."
        raise RuntimeError(told) from None
    finally:
        ours.close()
        process.join()


def prepare(pipe: Connection, inventor: Inventor, place: Place, size: int) -> None:
    """Prepare all runs for whoever is at the other end of the pipe, as long as they are there."""
    # Ctrl+C is for them: they then close the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(*GONE):
        _prepare(pipe, inventor, place, size)


def _prepare(pipe: Connection, inventor: Inventor, place: Place, size: int) -> None:
    invented = inventor.runs()
    runs = list(islice(invented, size))
    pipe.send(count(runs) if runs else None)
    while runs:
        needed, rows = count(runs), Rows(place, pipe.recv(), runs)
        texts = tuple(csv_of(table) for table in rows.tables())
        part = Prepared(needed, sum(len(table) for table in rows.tables()), texts, rows.failed)
        runs = list(islice(invented, size))
        pipe.send((part, count(runs) if runs else None))
