"""Load very many new rows: COPY on PostgreSQL, many rows a statement on SQLite.

Without the ORM and without a look at what is there: for rows that nobody else can have made.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models

from history.csv_text import NULL, csv_of
from history.upsert import MOST_PARAMETERS, adapted

Row = Sequence[Any]


def load(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Load rows, whose values are what the database takes, and return how many there were.

    `columns` names the fields in the order of the values. Bytes are not
    among them. Must be called inside a transaction.
    """
    if connection.vendor == "postgresql":
        return _copied(_copy(model, columns), rows)
    return _inserted(f"INSERT INTO {_into(model, columns)} VALUES ", len(columns), rows)


def load_csv(model: type[models.Model], columns: Sequence[str], text: bytes) -> None:
    """Load rows that `csv_of` wrote; PostgreSQL alone. Must be called inside a transaction."""
    with connection.cursor() as cursor, cursor.copy(_copy(model, columns)) as copy:
        copy.write(text)


def _copy(model: type[models.Model], columns: Sequence[str]) -> str:
    return f"COPY {_into(model, columns)} FROM STDIN (FORMAT csv, NULL '{NULL}')"


def _into(model: type[models.Model], columns: Sequence[str]) -> str:
    quoted = connection.ops.quote_name
    names = ", ".join(quoted(_column(model, name)) for name in columns)
    return f"{quoted(model._meta.db_table)} ({names})"


def _column(model: type[models.Model], name: str) -> str:
    return str(model._meta.get_field(name).column)  # type: ignore[union-attr]


def _copied(statement: str, rows: Iterable[Row]) -> int:
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for part in _parts(rows, 2000):
            copy.write(csv_of(part))
            count += len(part)
    return count


def _inserted(head: str, width: int, rows: Iterable[Row]) -> int:
    count, places = 0, f"({', '.join(['%s'] * width)})"
    with connection.cursor() as cursor:
        for part in _parts(rows, MOST_PARAMETERS // width):
            cursor.execute(
                head + ", ".join([places] * len(part)),
                [adapted(value) for row in part for value in row],
            )
            count += len(part)
    return count


def _parts(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rest = iter(rows)
    while part := list(islice(rest, size)):
        yield part


def reserve(model: type[models.Model], count: int) -> int:
    """Return the first of so many ids that nobody else gets. Must be called inside a transaction.

    On PostgreSQL inserts of others wait until it ends, so it should end soon.
    """
    newest = model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
    if connection.vendor != "postgresql":
        return int(newest) + 1
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        sequence = cursor.fetchone()[0]
        cursor.execute("SELECT nextval(%s)", [sequence])
        first = int(cursor.fetchone()[0])
        cursor.execute("SELECT setval(%s, %s)", [sequence, first + count])
    return first
