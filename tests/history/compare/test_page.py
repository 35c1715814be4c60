"""The page that sets runs side by side: what it opens with, its table, its links, its queries."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import cast
from tests.history.compare.made import BEGAN, ran, usual
from tests.history.run_page.test_page import resettle

pytestmark = pytest.mark.django_db
PATH = "/teams/northlight/compare/"


@pytest.fixture
def people():
    return cast.make_cast()


@pytest.fixture
def server(people):
    server = cast.make_server(people.northlight, name="kino-01")
    cast.make_device(server, index=0, model="RTX 4090")
    return server


@pytest.fixture
def bob(people, client):
    client.force_login(people.bob)
    return client


def page(client, *runs, more=""):
    ids = ",".join(str(getattr(run, "pk", run)) for run in runs)
    answer = client.get(f"{PATH}?runs={ids}{more}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def verdict(html):
    return re.search(r'<h2 id="verdict">([^<]*)', html)[1]


def row(html, name):
    """Return the words of a row's cells."""
    found = re.search(rf'<th scope="row">(?:<b>\d+</b> )?{name}.*?</th>(.*?)</tr>', html)[1]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", found)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", cell)).strip() for cell in cells]


def test_it_opens_with_what_differs_and_what_that_rests_on(bob, server):
    usual(server)
    slow = ran(server, 125, 125, 125, waited_s=60)

    html = page(bob, ran(server, 100, 101, 100), slow)

    assert verdict(html) == "B is 22% slower than A"
    assert "took 1m 14s more: beyond a tenth, and chance (n = " in html
    assert "Queue wait grew by 3m 00s." in html


def test_with_another_base_it_says_the_mirrored(bob, server):
    usual(server)
    runs = [ran(server, 100, 101, 100), ran(server, 125, 125, 125)]

    html = page(bob, *runs, more=f"&base={runs[1].pk}")

    assert verdict(html) == "A is 22% faster than B"


def test_it_names_what_failed_in_one_run_only(bob, server):
    usual(server)
    broken = ran(server, 100, 100, 30, outcomes=["success", "success", "failed"])

    html = page(bob, ran(server, 100, 100, 100), broken)

    assert verdict(html) == "B is not distinguishable from A"
    assert "scene-003 failed in B only." in html
    assert "Not compared: 1 not completed in both." in html


def test_of_many_runs_it_counts_how_they_stand(bob, server):
    usual(server)
    others = [ran(server, *[lasted] * 3) for lasted in (100, 101, 130, 60)]

    assert verdict(page(bob, ran(server, 100, 100, 100), *others)) == (
        "Of 4 runs beside A: 1 slower, 1 faster, 2 not distinguishable"
    )


def test_a_scene_that_a_run_lacks_is_missing_and_no_zero(bob, server):
    html = page(bob, ran(server, 100, 110, 120), ran(server, 100, 110))

    assert row(html, "scene-003") == ["Completed 2m 00s 4090", "–"]


def test_a_scene_beyond_the_noise_says_so_in_words(bob, server):
    usual(server)

    html = page(bob, ran(server, 100, 100, 100), ran(server, 100, 100, 140))

    assert row(html, "scene-003")[1] == "Completed 2m 20s 4090 33% slower, beyond the noise"
    assert row(html, "scene-001")[1].endswith("less, within the noise")


def test_what_differs_in_settings_is_marked_and_counted(bob, server):
    policies = [cast.make_policy(server.team, retry_budget=budget) for budget in (1, 3)]
    runs = [ran(server, 100, policy=policy) for policy in policies]

    html = page(bob, *runs)

    assert row(html, "Queue: retries per scene") == ["1", "≠ 3 (differs)"]
    assert row(html, "Queue: longest wait") == ["10m 00s", "10m 00s"]
    assert re.search(r"<span>Settings, 1 of \d+ differ</span>", html)


def test_the_environment_is_that_of_the_time_of_the_run(bob, server):
    first, last = ran(server, 100), ran(server, 100, hours=4)
    for hours, version in ((-9, "0.3.60"), (2, "0.3.70"), (9, "0.4.0")):
        since = BEGAN + timedelta(hours=hours)
        cast.make_environment(
            server, since=since, comfyui_version=version, node_packs={"<b>pack": version}
        )

    html = page(bob, first, last)

    assert row(html, "ComfyUI") == ["0.3.60", "≠ 0.3.70 (differs)"]
    assert row(html, "Node pack &lt;b&gt;pack") == ["0.3.60", "≠ 0.3.70 (differs)"]


@pytest.mark.parametrize(
    ("packs", "cell"),
    [
        ({"kjnodes": "1.1"}, "1.1"),
        ({"kjnodes": ""}, "≠ no version told (differs)"),
        ({}, "≠ not installed (differs)"),
        (None, "–"),
    ],
)
def test_a_node_pack_that_one_server_lacks_differs_and_one_nobody_told_of_does_not(
    bob, people, server, packs, cell
):
    other = cast.make_server(people.northlight)
    for one, told in ((server, {"kjnodes": "1.1"}), (other, packs)):
        cast.make_environment(one, since=BEGAN - timedelta(hours=1), node_packs=told)

    html = page(bob, ran(server, 100), ran(other, 100))

    assert row(html, "Node pack kjnodes") == ["1.1", cell]


def test_what_nobody_told_is_no_difference(bob, server):
    policy = cast.make_policy(server.team)

    html = page(bob, ran(server, 100), ran(server, 100, policy=policy))

    assert row(html, "Queue: longest wait") == ["–", "10m 00s"]


def test_a_shorter_run_is_judged_by_the_scenes_that_both_have(bob, server):
    usual(server)

    html = page(bob, ran(server, 100, 100, 100), ran(server, 130, 130))

    assert verdict(html) == "B is 26% slower than A"
    assert row(html, "Time of its scenes")[1] == (
        "4m 20s not compared as a whole: not all scenes are alike"
    )
    assert row(html, "Scenes that are alike") == ["–", "2 of 2 26% slower"]


def test_the_chart_says_which_completed_scene_differs_most(bob, server):
    broken = ran(server, 100, 150, 3, outcomes=["success", "success", "failed"])
    runs = f"runs={ran(server, 100, 100, 100).pk},{broken.pk}"

    html = bob.get(f"{PATH}times/?{runs}").content.decode()

    assert "scene-002 differs most: 1m\xa040s in A, 2m\xa030s in B." in html
    assert html.count("B: scene-00") == 3
    assert bob.get(f"{PATH}times.json?{runs}").json()["kind"] == "dots"


def test_there_is_no_chart_of_no_runs(bob):
    assert bob.get(f"{PATH}times.json?runs=999999").status_code == 404


def test_only_differences_leaves_out_what_is_the_same(bob, server):
    usual(server)
    runs = [ran(server, 100, 100, 100), ran(server, 100, 100, 140)]

    whole, part = page(bob, *runs), page(bob, *runs, more="&only=differences")

    assert "Attempts per scene" in whole
    assert "scene-001" in whole.split("<tbody>")[3]
    assert "Attempts per scene" not in part
    assert re.findall(r"scene-\d+", part.split("<tbody>")[3]) == ["scene-003"]
    assert f'href="?runs={runs[0].pk},{runs[1].pk}" role="switch" aria-checked="true"' in part


def test_its_links_lead_to_the_same_page_without_a_run_or_with_another_base(bob, server):
    one, two, three = (ran(server, 100) for _ in range(3))

    html = page(bob, one, two, three, more="&only=differences")

    rest = f"{one.pk},{three.pk}"
    assert f'href="?runs={rest}&amp;only=differences" aria-label="Remove B, run {two.pk}"' in html
    base = f"runs={one.pk},{two.pk},{three.pk}&amp;base={two.pk}&amp;only=differences"
    assert f'href="?{base}" aria-label="Make B the base"' in html
    assert f"http://testserver{PATH}?runs={one.pk},{two.pk},{three.pk}&amp;only=differences" in html


def test_what_is_ticked_or_added_leads_to_an_address_to_share(bob, server):
    one, two, three = (ran(server, 100) for _ in range(3))

    answer = bob.get(f"{PATH}?runs={one.pk}&run={two.pk}&add=%23{three.pk}&only=differences")

    assert answer["location"] == f"{PATH}?runs={one.pk},{two.pk},{three.pk}&only=differences"


def test_runs_of_others_and_runs_that_never_were_are_told_alike(bob, server, people):
    theirs = ran(cast.make_server(people.southdark), 100, title="Secret")
    runs = [ran(server, 100), ran(server, 100)]

    html = page(bob, *runs, theirs, 999_999)

    assert f"There is no run #{theirs.pk} in this team." in html
    assert "There is no run #999999 in this team." in html
    assert "Secret" not in html
    assert "2 runs" in html


def test_one_run_alone_is_kept_and_more_can_be_added(bob, server):
    one = ran(server, 100, title="Harbor")
    other = ran(server, 100, title="Pier")

    html = page(bob, one, "x")

    assert "“x” is no number of a run." in html
    assert f'<input type="hidden" name="runs" value="{one.pk}">' in html
    assert f'name="run" value="{other.pk}"' in html


def test_without_runs_it_says_how_to_choose(bob):
    html = re.sub(r"\s+", " ", bob.get(PATH).content.decode())

    assert "Tick two to twenty-five in the list of runs" in html


def test_hostile_names_are_text(bob, server):
    hostile = {"title": '<i a="', "submitter": "<b>", "external_id": "<u>"}
    cast.make_scene(run := ran(server, 100, **hostile), external_id="<s>", title="</table>")

    html = page(bob, run, ran(server, 100))

    assert not re.search(r"<i a=|<b>\"|<u>|<s>|</table>.*</table>", html)
    assert "&lt;s&gt;" in html


@pytest.mark.parametrize(("runs", "scenes"), [(2, 3), (25, 60)])
def test_it_asks_the_database_as_often_for_many(bob, server, runs, scenes):
    policy = cast.make_policy(server.team)
    cast.make_environment(server)
    ids = [ran(server, *[100.0] * scenes, hours=n, policy=policy) for n in range(runs)]
    page(bob, *ids)

    with CaptureQueriesContext(connection) as asked:
        page(bob, *ids)

    assert len(asked) == QUERIES


QUERIES = 14


def test_the_list_of_runs_leads_to_it(bob, server):
    runs = [ran(server, 100) for _ in range(2)]

    html = re.sub(r"\s+", " ", bob.get("/teams/northlight/runs/").content.decode())

    assert f'<form class="stack" method="get" action="{PATH}"' in html
    assert all(f'<input type="checkbox" name="run" value="{run.pk}"' in html for run in runs)


def test_the_page_of_a_run_leads_to_it_with_the_newest_run_like_it(bob, server):
    *_, newest = usual(server)
    run = ran(server, 100, 100, 100)

    html = bob.get(f"/teams/northlight/runs/{run.pk}/").content.decode()

    assert f'href="{PATH}?runs={newest.pk},{run.pk}"' in html


def test_a_run_that_goes_on_is_told_so_far(bob, server):
    open_run = ran(server, 100, None)
    cast.make_attempt(server, open_run.scenes.last(), status="running")
    resettle(open_run)

    html = page(bob, ran(server, 100, 100), open_run)

    assert row(html, "Scenes completed")[1].startswith("1 of 2 so far")
    assert row(html, "scene-002")[1] == "Executing – 4090"
