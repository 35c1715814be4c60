"""What files told of a run stands on its page."""

import pytest
from django.test import Client

from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Run, RunReport
from history.run_page.told import told_of
from tests import cast
from tests.history.artifacts import NOW, as_bytes, metadata

pytestmark = pytest.mark.django_db


@pytest.fixture
def filed() -> Run:
    people = cast.make_cast()
    [told] = read(File("x", as_bytes(metadata())), NOW)
    file_run(told, Into(people.northlight, NOW))
    return Run.objects.get()


def _lines(run: Run, is_operator: bool = False) -> dict[str, dict[str, str]]:
    return {block.title: dict(block.lines) for block in told_of(run, is_operator)}


def test_the_page_tells_the_story_that_the_file_told(filed: Run, client: Client) -> None:
    client.force_login(filed.team.memberships.filter(role="viewer").get().user)

    text = client.get(f"/teams/{filed.team.slug}/runs/{filed.pk}/").content.decode()

    assert "What its files told" in text
    assert "A harbor wakes." in text
    assert "local-llm" in text


def test_paths_are_for_operators(filed: Run) -> None:
    RunReport.objects.update(paths={"run_dir": r"C:\Dev\logs"})

    assert "Paths" not in _lines(filed)
    assert _lines(filed, is_operator=True)["Paths"] == {"run dir": r"C:\Dev\logs"}


def test_what_is_missing_has_no_line_and_no_block(filed: Run) -> None:
    RunReport.objects.update(story={"logline": None, "file": ""}, llm={"seed": 0})

    told = _lines(filed)

    assert "Story" not in told
    assert told["Text model"] == {"seed": "0"}


def test_what_is_below_stands_behind_its_name_with_its_unit(filed: Run) -> None:
    checks = {"latency_ms": 12.5, "reply": {"took_s": 90, "ok": True, "models": ["a", "b"]}}
    RunReport.objects.update(health_check=checks)

    assert _lines(filed)["Health check"] == {
        "latency": "12.5 ms",
        "reply, took": "1m\u00a030s",
        "reply, ok": "yes",
        "reply, models": "a, b",
    }


def test_a_run_that_was_only_watched_has_no_such_part(filed: Run, client: Client) -> None:
    watched = cast.make_run(filed.team)

    assert told_of(watched, is_operator=True) == []
