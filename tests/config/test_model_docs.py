"""docs/models.md, and with it the migrations, are what the models say."""

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models

from config import model_docs

MODELS = [model for label in model_docs.APPS for model in apps.get_app_config(label).get_models()]


def test_it_is_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("describe_models", "--check")

    assert "is what the models say" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_migrations_make_what_the_models_say() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_it_fails_where_a_model_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_docs, "_type", lambda field: "Other")

    with pytest.raises(CommandError, match="run describe_models"):
        call_command("describe_models", "--check")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_it_has_each_table_with_its_columns_and_what_it_points_at(
    model: type[models.Model],
) -> None:
    text = model_docs.PATH.read_text("utf-8")
    section = text.partition(f"### {model.__name__}\n")[2].partition("\n### ")[0]

    for field in model._meta.concrete_fields:
        assert f"| {field.column} |" in section
        if field.remote_field is not None:
            assert f" {model.__name__} : {field.name}\n" in text
    for held in [*model._meta.constraints, *model._meta.indexes]:
        assert f"`{held.name}`" in section
