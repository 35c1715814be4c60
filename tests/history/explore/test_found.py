"""What was found in runs' files: in the head of a run, in the list, and to filter by."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from history.explore.filters import RunFilters
from history.explore.found import FOUND
from history.models import Run
from telemetry.models import Membership
from tests.cast import Cast, make_cast, make_finding, make_run

pytestmark = pytest.mark.django_db

# A run's name, how often files told of it, how many findings they have, how many of them errors.
RUNS = {
    "watched": (0, 0, 0),
    "sound": (1, 0, 0),
    "odd": (1, 2, 0),
    "wrong": (2, 1, 1),
    "both": (1, 6, 4),
}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def runs(cast: Cast) -> dict[str, Run]:
    told = {}
    for name, (revision, findings, errors) in RUNS.items():
        counts = {"revision": revision, "finding_count": findings, "error_count": errors}
        told[name] = make_run(cast.northlight, external_id=name, **counts)
        for n in range(findings):
            make_finding(told[name], place=n, level="error" if n < errors else "warning")
    return told


@pytest.fixture
def bob(cast: Cast, client: Client) -> Client:
    client.force_login(cast.bob)
    return client


def page(client: Client, address: str = "") -> str:
    answer = client.get(f"/teams/northlight/runs/{address}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.parametrize(
    ("which", "left"),
    [
        ("any", {"odd", "wrong", "both"}),
        ("errors", {"wrong", "both"}),
        ("warnings", {"odd", "both"}),
        ("none", {"sound"}),
    ],
)
@pytest.mark.usefixtures("runs")
def test_the_list_is_filtered_by_what_was_found(bob: Client, which: str, left: set[str]) -> None:
    html = page(bob, f"?findings={which}")

    assert set(re.findall(r'title="(\w+)">', html.split('id="runs"')[1])) == left
    assert f'<span class="key">Its files</span> {FOUND[which][0].lower()}' in html
    assert f'<option value="{which}" selected>' in html


@pytest.mark.usefixtures("runs")
def test_what_cannot_be_filtered_by_is_told(bob: Client) -> None:
    html = page(bob, "?findings=many")

    assert "<strong>Findings:</strong>" in html
    assert "This filter is not applied." in html


def row(html: str, run: Run) -> str:
    return html.split(f'<tr id="run-{run.pk}">')[1].split("</tr>")[0]


def test_a_row_counts_them_by_level_in_words(bob: Client, runs: dict[str, Run]) -> None:
    html = page(bob)

    both = f'href="/teams/northlight/runs/{runs["both"].pk}/#findings-title"'
    assert both in row(html, runs["both"])
    assert "Findings in its files: </span>4 errors, 2 warnings</a>" in row(html, runs["both"])
    assert ">1 error</a>" in row(html, runs["wrong"]).replace("</span>", ">")
    assert "Findings" not in row(html, runs["sound"])
    assert "Findings" not in row(html, runs["watched"])


@pytest.mark.parametrize(
    ("name", "tone", "words"),
    [
        ("both", "bad", "4 errors, 2 warnings"),
        ("wrong", "bad", "1 error"),
        ("odd", "warn", "2 warnings"),
        ("sound", "ok", "no findings"),
    ],
)
def test_the_head_of_a_run_counts_them_by_level(
    bob: Client, runs: dict[str, Run], name: str, tone: str, words: str
) -> None:
    head = page(bob, f"{runs[name].pk}/").split("</h1>")[0]

    badge = head.split('id="findings-badge"')[1]
    assert badge.startswith(f' data-tone="{tone}"')
    assert f"In its files: </span>{words}<" in badge


def test_of_a_run_that_was_only_watched_nothing_is_said(bob: Client, runs: dict[str, Run]) -> None:
    assert "findings-badge" not in page(bob, f"{runs['watched'].pk}/")


INDEXES = {
    "any": "run_with_findings",
    "errors": "run_with_errors",
    "warnings": "run_with_findings",
    "none": "run_without_findings",
}


@pytest.mark.of_postgresql
@pytest.mark.parametrize("which", FOUND)
def test_each_of_them_has_an_index_that_leads_to_it(
    cast: Cast, runs: dict[str, Run], which: str
) -> None:
    membership = Membership.objects.get(user=cast.bob, team=cast.northlight)
    filters = RunFilters({"findings": which}, membership)
    wanted = filters.applied(Run.objects.filter(team=cast.northlight), timezone.now())
    with connection.cursor() as cursor:
        # Of five rows a scan is cheaper; what matters is what it finds where there are many.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("DROP INDEX run_in_list")

    plan = wanted.order_by("-began_at")[:25].explain()

    assert INDEXES[which] in plan, plan
    assert "Sort" not in plan
