"""Pages of a record in which one thing is unknown: they come, and show no zero and no None for it.

The fields are those that the models have: a new one is tried without being named here.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.test import Client
from django.urls import reverse

from history.models import Attempt, PurgeState, Run, Scene
from history.settling import note_servers, settle
from telemetry.models import BlindWindow, Device, Environment, Role
from telemetry.words import Status
from tests import cast
from tests.history.compare.made import usual

# What may not stand there for something unknown: a zero of a unit, or Python's word.
# A plain 0 counts something, and may be true.
FAKE = re.compile(
    r"(?<![\w.,:+-])(?:0(?:\.0+)?[\s\u00a0]?(?:s|ms|%|pt|GiB|MB|W|°C|fps)"
    r"|0\.0+|0m[\s\u00a0]?00s|None|nan|NaN|null|inf)(?![\w.:,])"
)
# Who purges is on no page.
RECORD = [one for one in apps.get_app_config("history").get_models() if one is not PurgeState]
MODELS = [*RECORD, Environment, Device, BlindWindow]
FIELDS = [
    (model, field.name)
    for model in MODELS
    for field in model._meta.concrete_fields
    if field.null or isinstance(field, models.JSONField)
]
pytestmark = pytest.mark.django_db


def value_of(field: Any, place: int) -> Any:
    """Return something that could be told for a field; times are later the later they stand."""
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.DateTimeField):
        return cast.NOON + timedelta(minutes=place)
    if isinstance(field, models.BooleanField):
        return True
    if isinstance(field, models.BigIntegerField):
        return (4 + place) << 30
    if isinstance(field, models.IntegerField):
        return 7
    if isinstance(field, models.FloatField):
        return 0.75 if field.name.endswith("_rate") else 12.5
    return f"told {field.name}"[: field.max_length]


def fill(model: Any) -> None:
    """Tell all that a model's rows leave open."""
    for place, field in enumerate(model._meta.concrete_fields):
        if field.null and not field.is_relation:
            open_ones = model._base_manager.filter(**{field.name: None})
            open_ones.update(**{field.name: value_of(field, place)})


@pytest.fixture(scope="module")
def pages(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[str]]:
    """Return the addresses of pages about a run of which everything is told, and one like it."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


def make_world() -> list[str]:
    team, member = cast.make_team("Northlight"), cast.make_user("alice")
    cast.join(team, member, Role.ADMIN)
    rows: dict[Any, Any] = cast.furnish(team, member, "told")
    attempt, scene, run = rows[Attempt], rows[Scene], rows[Run]
    Run.objects.filter(pk=run.pk).update(policy=cast.make_policy(team), revision=1)
    Attempt.objects.filter(pk=attempt.pk).update(status=Status.ENDED)
    other = cast.make_server(team)
    cast.make_environment(other, comfyui_version="0.3.64", driver_version="570.1")
    earlier = usual(other, 6, scenes=1)
    fill(Attempt)
    attempt.refresh_from_db()
    for place in range(1, 4):
        at = attempt.started_at + timedelta(seconds=10 * place)
        cast.make_gpu_sample(attempt.server, at=at)
    for model in MODELS:
        fill(model)
    settle([scene.pk])
    note_servers([scene.pk])
    for model in (Scene, Run):
        fill(model)
    # What is archived is nobody's baseline.
    Run.objects.exclude(pk=run.pk).update(archived_at=None)
    # What is deleted has no page.
    Run.objects.update(deleted_at=None, emptied_at=None)
    ids = f"{run.pk},{earlier[-1].pk}"
    of_run = {"slug": team.slug, "pk": run.pk}
    of_scene = {"slug": team.slug, "run_pk": run.pk, "pk": scene.pk}
    return [
        reverse("run_page", kwargs=of_run),
        reverse("scene_page", kwargs=of_scene),
        f"{reverse('compare', args=[team.slug])}?runs={ids}&base={run.pk}",
        f"{reverse('runs', args=[team.slug])}?range=all",
        reverse("server_page", args=[team.slug, attempt.server_id]),
        reverse("failure", args=[team.slug, attempt.failure.family_id]),
        *(reverse("run_chart_page", kwargs={**of_run, "name": n}) for n in ("duration", "memory")),
        reverse("scene_chart_page", kwargs={**of_scene, "name": "duration"}),
        reverse("poll_chart_page", kwargs={**of_run, "attempt": attempt.pk}),
    ]


def fakes(alice: Client, address: str) -> Counter[str]:
    """Return what looks like a number for something unknown in the text of a page."""
    answer = alice.get(address)
    assert answer.status_code == 200, address
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    titles = re.findall(r'(?:title|aria-label|alt)="([^"]*)"', html)
    text = " ".join([re.sub(r"<[^>]*>", " ", html), *titles])
    return Counter(FAKE.findall(text))


@pytest.fixture(scope="module")
def alice(pages: list[str]) -> Client:
    """Return the browser of a member who sees all."""
    client = Client()
    client.force_login(cast.User.objects.get(username="alice"))
    return client


@pytest.fixture(scope="module")
def as_told(pages: list[str], alice: Client) -> dict[str, Counter[str]]:
    """Return what each page has of zeros where everything is told: those are true."""
    return {address: fakes(alice, address) for address in pages}


@pytest.mark.parametrize(("model", "name"), FIELDS, ids=[f"{m.__name__}-{n}" for m, n in FIELDS])
def test_without_it_every_page_comes_and_shows_nothing_in_its_place(
    model: Any, name: str, as_told: dict[str, Counter[str]], alice: Client, django_db_blocker: Any
) -> None:
    field = model._meta.get_field(name)
    empty = None if field.null else type(field.get_default())()

    with django_db_blocker.unblock(), transaction.atomic():
        model._base_manager.update(**{name: empty})
        shown = {address: fakes(alice, address) for address in as_told}
        transaction.set_rollback(True)

    more = {page: found - as_told[page] for page, found in shown.items() if found - as_told[page]}
    assert not more
