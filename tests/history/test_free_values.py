"""Our own export with anything in its free fields: it is filed, and the pages of it open."""

import json
from typing import Any

import pytest
from django.test import Client

from history.models import Run, Scene
from telemetry.models import Scope
from tests.api import program, signed_in, token_text
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db

ODD = {
    "a number without end": "1e999",
    "a number of 400 digits": "9" * 400,
    "a word": '"x"',
    "yes": "true",
    "nothing": "null",
    "a list": "[1, [2], null]",
    "an object": '{"a": {"b": 1}}',
    "a list of objects": '[{"a": []}]',
    "a time before all years": '"0001-01-01T00:00:00+23:59"',
    "a time behind all years": '"9999-12-31T23:59:59-23:59"',
}
REPORTS = {
    "plain": '{"story": {"x": %s, "x_s": %s, "x_ms": %s, "x_at": %s, "devices": %s}}',
    "devices": '{"helpers": {"a": {"devices": [%s, {"name": %s, "total_mb": %s, "free_mb": %s}]}}}',
    "suites": '{"tests": {"suites": %s, "comfy_exit": %s}}',
    "a suite": '{"tests": {"suites": [%s, {"suite": %s, "exit_code": %s, "duration_ms": %s, '
    '"started_at": %s, "log": %s}]}}',
}
SCENE = '{"external_id": "a", "report": {"video": {"duration_s": %s, "updated_at": %s}}}'


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def filled(text: str, odd: str) -> Any:
    return text.replace("%s", odd)


def file(cast: Cast, report: str, scenes: str) -> None:
    run = f'{{"external_id": "1", "report": {report}, "scenes": [{scenes}]}}'
    olga = program(token_text(cast.olga, cast.northlight, Scope.INGEST))
    body = f'{{"format": "scenewatch-runs", "version": 1, "runs": [{run}]}}'
    answer = olga.post("/api/v1/runs", body, "application/json")
    assert answer.status_code == 201, json.loads(answer.content)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
def test_the_page_of_a_run_opens_whatever_it_was_told(cast: Cast, report: str, odd: str) -> None:
    file(cast, filled(report, odd), "")

    page = signed_in(cast.olga).get(f"/teams/northlight/runs/{Run.objects.get().pk}/")

    assert page.status_code == 200


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_the_page_of_a_scene_opens_whatever_it_was_told(cast: Cast, odd: str) -> None:
    file(cast, "{}", filled(SCENE, odd))
    scene, client = Scene.objects.get(), signed_in(cast.olga)

    page = client.get(f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/")

    assert page.status_code == 200


def test_what_makes_sense_is_shown(cast: Cast) -> None:
    suite = '{"suite": "Harbor", "exit_code": 3, "duration_ms": 2500}'
    device = '{"name": "RTX 4090", "total_mb": 24000, "free_mb": 0}'
    helpers = f'{{"a": {{"devices": [{device}]}}}}'
    file(cast, f'{{"tests": {{"suites": [{suite}]}}, "helpers": {helpers}}}', "")
    client: Client = signed_in(cast.olga)

    page = client.get(f"/teams/northlight/runs/{Run.objects.get().pk}/").content.decode()

    assert "failed, exit 3" in page
    assert "24,000\u00a0MB, 0\u00a0MB free" in page
