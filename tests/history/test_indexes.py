"""The indexes of the tables that grow: each costs at every row that is written."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, models

pytestmark = pytest.mark.django_db

GROWING = ("Run", "Attempt", "NodeExecution", "AttemptMemory", "ActivityEvent", "FallbackNote")


def _indexes(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    """Yield the columns of each that holds every row: one of few rows costs at these alone."""
    of_few = {one.name for one in model._meta.indexes if one.condition is not None}
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    yield from (
        tuple(one["columns"])
        for name, one in found.items()
        if name not in of_few and (one["index"] or one["unique"]) and one["columns"]
    )


@pytest.mark.parametrize("name", GROWING)
def test_no_index_is_the_beginning_of_another(name: str) -> None:
    indexes = list(_indexes(apps.get_model("history", name)))

    doubled = [
        one
        for place, one in enumerate(indexes)
        for other in indexes[:place] + indexes[place + 1 :]
        if one == other[: len(one)] and len(one) < len(other)
    ]

    assert doubled == []
