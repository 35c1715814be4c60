"""The pages of failures: the list, a family, what is decided about it, and the API's list."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from history.failures.keeping import keep
from history.failures.views import PAGE_SIZE
from history.models import Attempt, FailureDecision, FailureFamily
from telemetry.models import Server
from telemetry.words import Outcome, Status
from tests.api import get, program, refusal, token_text
from tests.cast import (
    Cast,
    make_attempt,
    make_cast,
    make_device,
    make_run,
    make_scene,
    make_server,
)

pytestmark = pytest.mark.django_db
OOM = "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 24.00 GiB."
Fail = Callable[..., FailureFamily]


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    server = make_server(cast.northlight, name="kino-01")
    make_device(server, index=0, model="RTX 4090")
    return server


@pytest.fixture
def bob(cast: Cast, client: Client) -> Client:
    client.force_login(cast.bob)
    return client


@pytest.fixture
def olga(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.olga)
    return client


@pytest.fixture
def fail(server: Server) -> Fail:
    """Return what makes attempts fail, some hours ago, and returns their family."""

    def make(error: str = "ValueError", times: int = 1, hours: float = 1, **fields: Any) -> Any:
        usual = {"error_message": "It broke.", "error_node": "3", "error_node_type": "KSampler"}
        ended_at = timezone.now() - timedelta(hours=hours)
        ended = {"status": Status.ENDED, "outcome": Outcome.FAILED, "ended_at": ended_at}
        rows = [
            make_attempt(server, error_type=error, **{**ended, **usual, **fields})
            for _ in range(times)
        ]
        with transaction.atomic():
            keep(row.pk for row in rows)
        return FailureFamily.objects.get(occurrences=rows[0].pk)

    return make


def page(client: Client, path: str = "") -> str:
    answer = client.get(f"/teams/northlight/failures/{path}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def names(html: str) -> list[str]:
    """Return the families' names, in the list's order."""
    return re.findall(r'<th scope="row"[^>]*><a href="[^"]*">([^<]*)</a>', html)


# --- The list -----------------------------------------------------------------------------------


def test_it_lists_open_failures_newest_first(bob: Client, fail: Fail) -> None:
    fail("OldError", hours=5)
    fail("NewError", hours=1)
    FailureFamily.objects.filter(pk=fail("DoneError").pk).update(state="resolved")

    assert names(page(bob)) == ["NewError", "OldError"]


def test_a_row_says_what_failed_how_often_and_where(bob: Client, fail: Fail) -> None:
    fail("torch.OutOfMemoryError", times=3, error_message=OOM)

    html = page(bob)

    assert '<small class="why">CUDA out of memory</small>' in html
    assert "<code>KSampler</code>" in html
    assert ">3×<br><small>in 3 runs</small>" in html
    assert ">RTX 4090 3<br><small>kino-01 3</small>" in html


def test_it_lists_the_most_frequent_first_where_asked(bob: Client, fail: Fail) -> None:
    fail("Rare", hours=1)
    fail("Often", times=3, hours=9)

    assert names(page(bob, "?order=most")) == ["Often", "Rare"]


@pytest.mark.parametrize("state", ["resolved", "ignored"])
def test_it_lists_a_state_and_counts_the_others(bob: Client, fail: Fail, state: str) -> None:
    FailureFamily.objects.filter(pk=fail("Gone").pk).update(state=state)
    fail("Here")

    html = page(bob, f"?state={state}")

    assert names(html) == ["Gone"]
    assert 'Open <span class="count">1</span>' in html


@pytest.mark.parametrize("query", ["?state=odd", "?order=odd", "?cursor=odd"])
def test_what_makes_no_sense_is_told(bob: Client, fail: Fail, query: str) -> None:
    fail("Here")

    html = page(bob, query)

    assert 'role="alert"' in html
    assert names(html) == ["Here"]


@pytest.mark.parametrize("order", ["newest", "most"])
def test_the_pages_follow_each_other(bob: Client, fail: Fail, order: str) -> None:
    for number in range(PAGE_SIZE + 2):
        fail(f"E{number:02}", times=1 + number % 2, hours=number + 1)

    first = page(bob, f"?order={order}")
    (following,) = re.findall(r'href="(\?[^"]*)" rel="next"', first)
    second = page(bob, following.replace("&amp;", "&"))

    both = names(first) + names(second)
    assert sorted(both) == [f"E{number:02}" for number in range(PAGE_SIZE + 2)]
    assert len(names(first)) == PAGE_SIZE
    assert "Less frequent" in first or order == "newest"


def test_without_failures_it_says_so(bob: Client, fail: Fail) -> None:
    assert "Nothing has failed" in page(bob)
    fail("Here")

    assert "None of them is ignored" in page(bob, "?state=ignored")


def test_the_list_asks_as_often_for_many_as_for_one(bob: Client, fail: Fail) -> None:
    fail("First")
    page(bob)
    with CaptureQueriesContext(connection) as one:
        page(bob)
    for number in range(10):
        fail(f"E{number}", times=2)
    with CaptureQueriesContext(connection) as many:
        page(bob)

    assert len(many) == len(one) <= 10


# --- A family -----------------------------------------------------------------------------------


def test_a_family_tells_how_often_where_and_when_it_was_seen(bob: Client, fail: Fail) -> None:
    family = fail("ValueError", times=2, submitter="mira")

    html = page(bob, f"{family.pk}/")

    assert "<h1>Seen 2 times in 2 runs</h1>" in html
    assert '<dt>Server</dt><dd><span class="nowrap">kino-01 <small>2×</small></span></dd>' in html
    assert '<dt>GPU</dt><dd><span class="nowrap">RTX 4090 <small>2×</small></span></dd>' in html
    assert '<dt>Node id</dt><dd><span class="nowrap">3 <small>2×</small></span></dd>' in html
    assert 'aria-label="2 in the last 14 days"' in html
    one = Attempt.objects.order_by("-pk")[0]
    place = f"/teams/northlight/runs/{one.scene.run_id}/scenes/{one.scene_id}/?attempt={one.pk}"
    assert f'href="{place}"' in html
    assert "mira" in html


def test_each_time_is_called_by_its_scene_and_run(bob: Client, fail: Fail, cast: Cast) -> None:
    run = make_run(cast.northlight, title="Harbor")
    scene = make_scene(run, external_id="scene-007")
    family = fail(scene=scene)

    html = page(bob, f"{family.pk}/")

    place = f"/teams/northlight/runs/{run.pk}/scenes/{scene.pk}/?attempt={scene.attempts.get().pk}"
    assert f'<a href="{place}">scene-007</a> <small>Harbor</small>' in html


def test_it_tells_what_the_message_says_of_memory(bob: Client, fail: Fail) -> None:
    html = page(bob, f"{fail('torch.OutOfMemoryError', error_message=OOM).pk}/")

    assert '<dt>Asked for</dt><dd class="num">2.5 GiB</dd>' in html
    assert '<dt>Free then</dt><dd class="num">–</dd>' in html
    assert '<dt>In all</dt><dd class="num">24.0 GiB</dd>' in html


def test_other_failures_have_no_panel_of_memory(bob: Client, fail: Fail) -> None:
    assert "Memory, the last time" not in page(bob, f"{fail().pk}/")


def test_a_traceback_is_for_operators(bob: Client, olga: Client, fail: Fail) -> None:
    path = f"{fail(traceback='File /secret/x.py').pk}/"

    assert "/secret/x.py" in page(olga, path)
    assert "/secret/x.py" not in page(bob, path)
    assert "Tracebacks are for operators." in page(bob, path)


def test_what_is_no_longer_on_record_is_told(bob: Client, fail: Fail) -> None:
    family = fail(times=3)
    Attempt.objects.all()[:1].get().delete()

    assert "2 of 3; 1 no longer on record" in page(bob, f"{family.pk}/")


def test_a_family_asks_as_often_for_many_as_for_one(bob: Client, fail: Fail) -> None:
    family = fail()
    page(bob, f"{family.pk}/")
    with CaptureQueriesContext(connection) as one:
        page(bob, f"{family.pk}/")
    fail(times=30)
    with CaptureQueriesContext(connection) as many:
        page(bob, f"{family.pk}/")

    assert len(many) == len(one) <= 12


def test_hostile_words_stay_words(bob: Client, fail: Fail) -> None:
    html = page(bob, f"{fail('<b>x', error_message='<script>alert(1)</script>').pk}/")

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


# --- What is decided ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "deed", "after"),
    [
        ("open", "resolve", "resolved"),
        ("open", "ignore", "ignored"),
        ("resolved", "reopen", "open"),
        ("ignored", "resolve", "resolved"),
    ],
)
def test_an_operator_decides_and_it_is_written_down(
    olga: Client, fail: Fail, before: str, deed: str, after: str
) -> None:
    family = fail()
    FailureFamily.objects.update(state=before)
    path = f"/teams/northlight/failures/{family.pk}/"

    answer = olga.post(f"{path}decide/", {"do": deed})
    olga.post(f"{path}decide/", {"do": deed})

    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    family.refresh_from_db()
    assert (family.state, family.state_who) == (after, "olga")
    [decision] = FailureDecision.objects.all()
    assert (decision.who, decision.state) == ("olga", after)
    assert "<b>olga</b>" in page(olga, f"{family.pk}/")


def test_a_viewer_decides_nothing(bob: Client, fail: Fail) -> None:
    family = fail()

    answer = bob.post(f"/teams/northlight/failures/{family.pk}/decide/", {"do": "ignore"})

    assert answer.status_code == 403
    assert "decide/" not in page(bob, f"{family.pk}/")


def test_an_unknown_deed_is_refused_in_words(olga: Client, fail: Fail) -> None:
    family = fail()
    path = f"/teams/northlight/failures/{family.pk}/decide/"

    assert (
        "Choose one of: resolve, ignore, reopen."
        in olga.post(path, {"do": "delete"}, follow=True).content.decode()
    )
    family.refresh_from_db()
    assert family.state == "open"


def test_another_teams_family_is_not_there(cast: Cast, fail: Fail) -> None:
    family = fail()
    mallory = Client()
    mallory.force_login(cast.mallory)

    for slug in ("northlight", "southdark"):
        assert mallory.get(f"/teams/{slug}/failures/{family.pk}/").status_code == 404


def test_a_failed_prompt_of_a_server_leads_to_its_family(
    bob: Client, fail: Fail, server: Server
) -> None:
    family = fail("ValueError")

    html = bob.get(f"/teams/northlight/servers/{server.pk}/").content.decode()

    assert f'<a href="/teams/northlight/failures/{family.pk}/">ValueError: It broke.</a>' in html


# --- The API ------------------------------------------------------------------------------------


@pytest.fixture
def reader(cast: Cast) -> Client:
    return program(token_text(cast.bob, cast.northlight))


def test_the_api_tells_a_family(reader: Client, fail: Fail, server: Server) -> None:
    family = fail("ValueError", times=2)

    [item] = get(reader, "failures")["items"]

    assert (item["id"], item["error_type"], item["state"]) == (family.pk, "ValueError", "open")
    assert (item["count"], item["run_count"], item["state_who"]) == (2, 2, None)
    assert item["servers"] == [{"id": server.pk, "name": "kino-01", "count": 2}]
    assert item["gpus"] == [{"name": "RTX 4090", "count": 2}]
    assert item["nodes"] == [{"name": "3", "count": 2}]


@pytest.mark.parametrize("by", ["last_seen", "count"])
def test_the_api_pages_by_cursor(reader: Client, fail: Fail, by: str) -> None:
    for number in range(5):
        fail(f"E{number}", times=1 + number % 2, hours=number + 1)

    asked: dict[str, Any] = {"by": by, "limit": 2}
    pages, cursor = [], None
    while not pages or cursor:
        answer = get(reader, "failures", **asked, **({"cursor": cursor} if cursor else {}))
        pages.append([item["error_type"] for item in answer["items"]])
        cursor = answer["next_cursor"]

    newest, often = ["E0", "E1", "E2", "E3", "E4"], ["E3", "E1", "E4", "E2", "E0"]
    assert [name for names in pages for name in names] == (newest if by == "last_seen" else often)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "resolved"}, ["B"]),
        ({"state": ["open", "resolved"]}, ["A", "B"]),
        ({"error_type": "A"}, ["A"]),
        ({"node_type": "VAEDecode"}, []),
    ],
)
def test_the_api_filters(reader: Client, fail: Fail, asked: Any, found: list[str]) -> None:
    fail("A", hours=1)
    FailureFamily.objects.filter(pk=fail("B", hours=2).pk).update(state="resolved")

    assert [item["error_type"] for item in get(reader, "failures", **asked)["items"]] == found


def test_a_cursor_of_another_order_is_refused(reader: Client, fail: Fail) -> None:
    for number in range(3):
        fail(f"E{number}")
    cursor = get(reader, "failures", limit=1)["next_cursor"]

    status, error = refusal(reader, "failures", by="count", cursor=cursor)

    assert (status, error["where"]) == (400, "cursor")


def test_the_list_is_a_tab_beside_the_runs_and_their_timeline(bob: Client) -> None:
    tabs = page(bob).split('aria-label="What is on record">')[1].split("</nav>")[0]

    assert re.findall(r">([^<]+)</a>", tabs) == ["All runs", "Timeline", "Failures"]
    assert 'aria-current="page">Failures' in tabs


def test_a_state_without_failures_leads_back_to_the_open_ones(bob: Client, fail: Fail) -> None:
    family = fail()

    assert "Show the open ones" in page(bob, "?state=ignored")
    FailureFamily.objects.filter(pk=family.pk).update(state="resolved")
    assert "Each was resolved or ignored." in page(bob)


def test_what_nobody_told_of_a_failure_is_named(bob: Client, fail: Fail) -> None:
    family = fail()
    FailureFamily.objects.filter(pk=family.pk).update(
        pattern="", message="", servers={"": 4}, gpus={"": 4}
    )

    row = page(bob)

    assert "no reason told" in row
    assert "GPU not known 4<br><small>server not known 4" in row
    assert "No reason was told." in page(bob, f"{family.pk}/")


def test_who_may_decide_is_told_before_what_each_decision_does(
    bob: Client, olga: Client, fail: Fail
) -> None:
    family = fail()
    words = "Resolved, it opens again when it is seen again; ignored, not until"

    assert words in page(olga, f"{family.pk}/")
    assert words not in page(bob, f"{family.pk}/")
