"""What the database refuses, whoever writes: rows past the ORM, as a program beside us would."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from history.models import (
    Attempt,
    AttemptMemory,
    FailureFamily,
    FallbackNote,
    Finding,
    GpuSample,
    NodeExecution,
    Run,
    RunDecision,
    Scene,
    ScriptReport,
)
from history.models.choices import OUTCOMES
from tests import cast

pytestmark = pytest.mark.django_db
GIB = 1 << 30
RECORD = (
    *(Attempt, AttemptMemory, FailureFamily, FallbackNote, Finding),
    *(GpuSample, NodeExecution, Run, RunDecision, Scene, ScriptReport),
)
WORDS = [
    (model, field.name)
    for model in RECORD
    for field in model._meta.concrete_fields
    if field.choices
]
# Amounts without a sign; a temperature may be below zero.
AMOUNTS = [
    (model, field.name)
    for model in RECORD
    for field in model._meta.concrete_fields
    if isinstance(field, models.FloatField | models.IntegerField)
    and not field.primary_key
    and not field.choices
    and not field.is_relation
    and field.name not in ("number", "temperature_highest_c")
]


@pytest.fixture
def rows() -> dict[Any, models.Model]:
    people = cast.make_cast()
    told: dict[Any, models.Model] = cast.furnish(people.northlight, people.alice, "told")
    Attempt.objects.update(status="ended", outcome="success", outcome_grade="polled")
    return told


def write(row: models.Model, column: str, value: Any) -> None:
    """Write a value past the ORM."""
    meta, quoted = row._meta, connection.ops.quote_name
    table, key = quoted(meta.db_table), quoted(meta.pk.column)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {quoted(column)} = %s WHERE {key} = %s", [value, row.pk]
        )


def ids(told: list[tuple[Any, str]]) -> list[str]:
    return [f"{model.__name__}-{name}" for model, name in told]


@pytest.mark.parametrize(("model", "name"), WORDS, ids=ids(WORDS))
def test_a_word_that_is_none_of_a_column_s_is_refused(
    model: Any, name: str, rows: dict[Any, models.Model]
) -> None:
    word = 7 if isinstance(model._meta.get_field(name), models.IntegerField) else "done"

    with pytest.raises(IntegrityError):
        write(rows[model], name, word)


@pytest.mark.parametrize(("model", "name"), AMOUNTS, ids=ids(AMOUNTS))
def test_an_amount_below_zero_is_refused(
    model: Any, name: str, rows: dict[Any, models.Model]
) -> None:
    with pytest.raises(IntegrityError):
        write(rows[model], name, -1)


@pytest.mark.parametrize("status", ["queued", "running"])
def test_what_goes_on_has_no_outcome(status: str, rows: dict[Any, models.Model]) -> None:
    with pytest.raises(IntegrityError):
        write(rows[Attempt], "status", status)


@pytest.mark.parametrize("outcome", [value for value, _ in OUTCOMES])
def test_every_outcome_of_ours_is_taken(outcome: str, rows: dict[Any, models.Model]) -> None:
    for model in (Attempt, Scene, Run):
        write(rows[model], "outcome", outcome)


def test_a_clock_that_was_turned_back_is_taken(rows: dict[Any, models.Model]) -> None:
    attempt = rows[Attempt]

    write(attempt, "started_at", cast.NOON)
    write(attempt, "ended_at", cast.NOON - timedelta(seconds=5))

    assert Attempt.objects.get(pk=attempt.pk).ended_at < cast.NOON
