"""The page of a run: its order, its words, its rows, what it asks of the database."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from history.failures.keeping import keep
from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Attempt, FailureFamily, FallbackNote, Run, RunNote, Scene
from history.run_page.policy import differing, impact
from history.settling import note_servers, settle
from telemetry.words import Status
from tests import cast
from tests.history.artifacts import NOW, as_bytes, metadata, scene, telemetry
from tests.history.judged.test_known_answers import RUNS, file_all, file_table

pytestmark = pytest.mark.django_db

BEGAN = timezone.now() - timedelta(hours=3)


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


def ran(server, *outcomes, hours=0.0, lasted_s=90.0, gap_s=0.0, **fields):
    """Return a run of scenes that ended so, one after the other; a status is one of open ones."""
    at = BEGAN + timedelta(hours=hours)
    run = cast.make_run(server.team, began_at=at, touched_at=at, title="Harbor", **fields)
    for number, how in enumerate(outcomes, 1):
        scene = cast.make_scene(run, external_id=f"scene-{number:03}")
        words = {"workload": "w" * 64, "seen_at": at, "submitted_at": at}
        started_at = at + timedelta(seconds=gap_s)
        if isinstance(how, Status):
            words |= {"status": how, "started_at": started_at if how == "running" else None}
        else:
            end = started_at + timedelta(seconds=lasted_s)
            words |= {"status": Status.ENDED, "outcome": how, "started_at": started_at}
            words |= {"ended_at": end, "duration_s": lasted_s, "waited_s": gap_s}
            at = end
        cast.make_attempt(server, scene, **words)
    resettle(run)
    return Run.objects.get(pk=run.pk)


def resettle(run):
    ids = list(Scene.objects.filter(run=run).values_list("pk", flat=True))
    settle(ids)
    note_servers(ids)


def page(client, run, query="", status=200):
    answer = client.get(f"/teams/northlight/runs/{run.pk}/{query}")
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode())


def headings(html):
    return re.findall(r"<h[12][^>]*>([^<]*)", html)


def test_its_parts_follow_each_other_as_people_ask(bob, server):
    html = page(bob, ran(server, "success"))

    assert [one.strip() for one in headings(html)] == [
        "Harbor",
        "Its one scene completed in 1m 30s.",
        "Current telemetry",
        "Queue policy",
        "Fallback warnings",
        "Scenes",
        "Historical analysis",
        "Timeline",
        "Notes",
        "Watched and not watched",
    ]


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        (["success"] * 3, "All 3 scenes completed in 4m 30s."),
        (["success", "lost"], "1 of 2 scenes completed: scene-002 was lost."),
        (["success", "skipped"], "Its one scene completed in 3m 00s, 1 skipped."),
        (["timeout"], "0 of 1 scene completed: scene-001 timed out."),
        (["skipped"], "Its one scene skipped: nothing was queued."),
        (["success", Status.RUNNING, Status.QUEUED], "1 of 3 scenes done, 1 executing, 1 queued."),
        (["success", None], "1 of 2 scenes completed: of 1 scene nobody knows how it ended."),
        (
            ["failed", None],
            "0 of 2 scenes completed: scene-001 failed; of 1 scene nobody knows how it ended.",
        ),
        ([None, Status.QUEUED], "0 of 2 scenes done, 1 unknown, 1 queued."),
        ([], "Nothing of it is on record yet."),
    ],
)
def test_it_says_in_one_sentence_what_happened(bob, server, outcomes, sentence):
    html = page(bob, ran(server, *outcomes))

    assert f'<h2 id="why">{sentence}</h2>' in html


def test_of_a_run_whose_times_nobody_told_it_says_how_long_its_scenes_worked(bob, people):
    file_table(people.northlight)

    html = page(bob, Run.objects.get(external_id="20251112-102213"))

    assert '<h2 id="why">All 3 scenes completed after 6m 26s of work.</h2>' in html
    assert "median of 2 earlier runs" in html


@pytest.mark.parametrize(
    ("how", "why"), [("failed", "it did not complete"), (None, "nobody knows how it ended")]
)
def test_it_says_why_a_time_is_not_compared(bob, server, how, why):
    assert f"Its time is not compared: {why}." in page(bob, ran(server, "success", how))


def test_a_scene_that_is_tried_again_is_not_done(bob, server):
    run = ran(server, "success", "success")
    scene = Scene.objects.filter(run=run).first()
    cast.make_attempt(server, scene, status=Status.RUNNING, workload="w" * 64)
    resettle(run)

    assert "1 of 2 scenes done, 1 executing." in page(bob, run)


def test_it_says_why_a_scene_failed(bob, server):
    run = ran(server, "success", "failed")
    fault = {"error_type": "torch.OutOfMemoryError", "error_node_type": "KSampler"}
    message = "Tried to allocate 2.20 GiB <b>."
    Attempt.objects.filter(outcome="failed").update(**fault, error_message=message)

    html = page(bob, run)

    assert "scene-002 failed, OutOfMemoryError in KSampler." in html
    assert "Tried to allocate 2.20 GiB &lt;b&gt;." in html


def test_it_says_of_each_of_few_scenes_why_it_fell_short(bob, server):
    run = ran(server, "success", "success", "success")
    Scene.objects.filter(run=run).exclude(external_id="scene-001").update(frame_floor=25)
    Attempt.objects.filter(scene__external_id="scene-002").update(frames=1)
    Attempt.objects.filter(scene__external_id="scene-003").update(frames=4)
    resettle(run)

    said = "scene-002 (1 of 25 frames), scene-003 (4 of 25 frames) came out short of frames."
    assert f"1 of 3 scenes completed: {said}" in page(bob, run)


def test_of_many_scenes_it_says_the_reason_that_most_share(bob, server):
    run = ran(server, *["failed"] * 5)
    Attempt.objects.update(error_type="ValueError")
    Attempt.objects.filter(scene__external_id="scene-005").update(error_type="KeyError")

    assert "5 scenes failed, ValueError (4 of 5)." in page(bob, run)


def test_few_scenes_are_each_told_with_their_own_reason(bob, server):
    run = ran(server, "failed", "success", "failed")
    failed = Attempt.objects.filter(outcome="failed").order_by("pk").values_list("pk", flat=True)
    for pk, fault in zip(failed, ("AError", "BError"), strict=True):
        Attempt.objects.filter(pk=pk).update(error_type=fault)

    html = page(bob, run)

    assert ": scene-001 (AError), scene-003 (BError) failed.</h2>" in html


def test_a_length_that_nobody_told_takes_no_room_in_the_head(bob, server):
    run = ran(server, "success")
    Run.objects.update(duration_s=None)

    head = page(bob, run).split('<header class="page-head">')[1].split("</header>")[0]

    assert "#i-clock" not in head
    assert "–" not in head


def test_a_failed_attempt_leads_to_its_family(bob, server):
    run = ran(server, "success", "failed")
    Attempt.objects.filter(outcome="failed").update(error_type="ValueError")
    with transaction.atomic():
        keep(Attempt.objects.values_list("pk", flat=True))

    family = FailureFamily.objects.get()

    address = f"/teams/{run.team.slug}/failures/{family.pk}/"
    assert f'<a href="{address}">ValueError</a>' in page(bob, run)


def test_what_nobody_knows_the_end_of_is_unknown_and_waits_for_nothing(bob, server):
    html = page(bob, ran(server, "success", None))

    assert 'aria-label="2 scenes: 1 completed, 1 unknown"' in html
    assert 'aria-label="scene-002, Unknown, 1m 30s"' in html
    assert "<p>2, 1 with problems</p>" in html
    assert "Queued" not in html


def test_a_scene_that_was_never_queued_still_waits_to_be(bob, server):
    run = ran(server, "success")
    cast.make_scene(run, external_id="scene-002")
    resettle(run)

    assert 'aria-label="2 scenes: 1 completed, 1 queued"' in page(bob, run)


def test_the_policy_s_success_is_of_scenes_whose_end_is_known(bob, server):
    policy = cast.make_policy(server.team, retry_budget=2)
    run = ran(server, "success", "failed", None, policy=policy)

    (own,) = impact(run, [])

    assert (own.success, own.timeouts) == ("50.0%", "0.0%")


def test_versions_of_a_policy_are_named_by_what_differs_and_set_side_by_side(bob, server):
    hasty, patient = (
        cast.make_policy(server.team, max_wait_s=wait_s, retry_budget=1) for wait_s in (600, 900)
    )
    for hours, outcomes in enumerate((["success", "timeout"], ["success", "failed"]), -9):
        ran(server, *outcomes, hours=hours, policy=hasty)
    ran(server, "success", "success", hours=-3, lasted_s=60, policy=patient)

    card = page(bob, ran(server, "success", "success", policy=patient)).split("did under each")[1]

    text = re.sub(r"<[^>]*>", " ", card.split("</table>")[0]).replace("\xa0", " ")
    assert " ".join(text.split()) == (
        "version Runs Success Median Timed out "
        "this version 2 100.0% 2m 30s 0.0% "
        "longest wait 600 s instead of 900 s 2 50.0% – 25.0%"
    )


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"retry_budget": 3}, "retries none instead of 3"),
        ({"max_polls": None}, "history polls unlimited instead of –"),
        (
            {"grace_s": 15, "poll_interval_s": 1},
            "poll every 2 s instead of 1 s, after execution 30 s instead of 15 s",
        ),
        ({"more": {"frame_floor": 9}}, "frame floor"),
    ],
)
def test_each_knob_of_a_policy_names_its_versions(server, own, words):
    usual = {"max_wait_s": 600, "max_polls": 0, "poll_interval_s": 2, "grace_s": 30}
    usual |= {"retry_budget": 0}
    one, two = (cast.make_policy(server.team, **{**usual, **told}) for told in ({}, own))

    assert differing(one, two).replace("\xa0", " ") == words


@pytest.mark.parametrize(("comparable", "shown"), [(4, False), (5, True)])
def test_a_scene_has_a_trend_from_five_comparable_ones_on(bob, server, comparable, shown):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for hour in range(1 + comparable):  # the first began cold, and is none
        ran(server, "success", hours=-30 + hour)

    html = page(bob, ran(server, "success"))

    row = html.split('id="scenes"')[1].split('class="detail"')[0]
    assert f"n = {comparable}" in row
    assert ("Stable" in row) is shown


def test_it_names_the_baseline_of_each_scene(bob, people):
    file_all(people.northlight)

    html = page(bob, Run.objects.get(external_id="20251112-102213"))

    cells = re.findall(r'<span class="delta"[^>]*>.*?</svg>([^<]*)<span class="vh"> ([^<]*)', html)
    assert ("6.2%", "as usual") in cells
    assert html.count("n = 2, Low") == 3
    assert "median of 2 earlier runs 6m 20s of work" in html
    assert "Median 2m 09s" in html


def test_a_run_without_a_baseline_says_so_and_shows_no_zero(bob, server):
    html = page(bob, ran(server, "success"))

    assert "Nothing earlier on record can be compared with it." in html
    assert "cannot be compared</span></span></span>" in html
    assert "n = 0" not in re.sub(r'title="[^"]*"', "", html).split("Historical analysis")[0]


def test_a_slower_run_is_called_slower_in_words(bob, server):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for hour in range(8):
        ran(server, "success", hours=-30 + hour)

    html = page(bob, ran(server, "success", lasted_s=150))

    assert re.search(r"67% slower than usual \(median of \d earlier runs", html)
    assert 'data-tone="bad"' in html


@pytest.mark.parametrize(("before", "level"), [(1, "Low"), (6, "High")])
def test_many_scenes_of_few_runs_make_nobody_sure_of_a_success_rate(bob, server, before, level):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for hour in range(before):
        ran(server, *["success"] * 30, hours=-30 + hour)

    html = page(bob, ran(server, *["success"] * 30))

    card = html.split("Success rate<")[1].split("</article>")[0]
    assert f"{30 * before} earlier scenes" in card
    assert re.search(rf"{level} · n = {before}\b", re.sub(r"<[^>]*>", "", card)), card


def test_the_policy_ends_at_the_limit_that_comes_first(bob, server):
    policy = cast.make_policy(
        server.team,
        max_wait_s=600,
        max_polls=100,
        poll_interval_s=2,
        grace_s=30,
        retry_budget=1,
    )

    html = page(bob, ran(server, "success", policy=policy))

    told = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)", html))
    assert told["One try at most"].strip() == "3m 50s"
    assert told["One scene at most"].strip() == "7m 40s"
    assert "polls run out first" in html


def test_fallback_notes_lead_to_the_runs_that_had_such_too(bob, server):
    runs = [ran(server, "success", hours=-hour) for hour in range(3)]
    for run in runs[:2]:
        attempt = Attempt.objects.get(scene__run=run)
        cast.make_note(attempt, category="forced_copy", severity="warning")
    Run.objects.update(revision=1)
    runs[0].refresh_from_db()

    html = page(bob, runs[0])
    listed = bob.get("/teams/northlight/runs/?note=forced_copy").content.decode()

    assert '<a href="/teams/northlight/runs/?note=forced_copy">in 2 runs, with this one</a>' in html
    assert FallbackNote.objects.count() == 2
    assert len(re.findall(r'<tr id="run-', listed)) == 2
    assert "Frames copied before they were done" in listed


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        (0, "Not known: only files tell of fallback warnings, and none was imported for this run."),
        (1, "Its files tell of none."),
    ],
)
def test_it_says_of_no_run_that_was_only_watched_that_it_had_no_fallbacks(
    bob, server, revision, said
):
    told = page(bob, ran(server, "success", revision=revision)).split('id="fallback-title"')[1]

    assert f'<p class="card-body muted">{said}</p>' in told.split("</section>")[0]


def test_the_timeline_tells_waiting_from_work(bob, server):
    html = page(bob, ran(server, "success", "success", gap_s=90, lasted_s=90))

    assert html.count('class="wait"') == 2
    assert html.count('class="exec"') == 2
    assert "something was at work 50% of the time" in html


def test_the_timeline_tells_outcomes_by_letters_and_not_by_colours_alone(bob, server):
    html = page(bob, ran(server, "success", "failed", "lost", "cancelled"))

    timeline = html.split('id="timeline-title"')[1].split("</section>")[0]
    legend = re.findall(r"</svg>([^<]*)</li>", timeline.split("</ul>")[0])
    assert legend == ["Completed", "Failed (F)", "Lost (L)", "Cancelled (C)"]
    assert re.findall(r'<text class="label"[^>]*>([^<]*)', timeline) == ["1", "F 2", "L 3", "C 4"]


def test_what_was_not_watched_is_told(bob, server):
    run = ran(server, "success")
    begin = run.began_at + timedelta(seconds=30)
    end = begin + timedelta(seconds=20)
    cast.make_blind_window(server, began_at=begin, ended_at=end, reason="no answer <i>")

    html = page(bob, run)

    assert "kino-01, 20s" in html
    assert "no answer &lt;i&gt;" in html


def test_a_note_stays_with_its_run(people, client, server):
    run = ran(server, "success")
    client.force_login(people.alice)

    answer = client.post(f"/teams/northlight/runs/{run.pk}/notes/", {"text": "Retry <7>."})

    assert answer["location"] == f"/teams/northlight/runs/{run.pk}/"
    assert RunNote.objects.get().who == "alice"
    assert "Retry &lt;7&gt;." in page(client, run)


def test_words_of_files_and_people_stay_words_and_paths_are_no_links(people, bob):
    hostile, share = "<img src=x onerror=alert(1)>", "\\\\nas01\\renders"
    block = telemetry(System={"FallbackNotes": [f"Forced copy {hostile} to {share}"]})
    one = scene(StoryTitle=hostile, GeneratedFramesDir=share, FrameFloor=hostile, Telemetry=block)
    value = metadata([one], RunDir=share, Story={"Id": hostile, "Title": hostile})
    (told,) = read(File("x", as_bytes(value)), NOW)
    run = Run.objects.get(pk=file_run(told, Into(people.northlight, NOW)).run_id)
    RunNote.objects.create(run=run, who=hostile, text=hostile, at=NOW)

    shown = page(bob, run)

    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "<img src=x" not in shown
    assert not re.search(r"(href|src)=\S*(file:|nas01)", shown)


def test_an_empty_note_is_refused_in_words(people, client, server):
    run = ran(server, "success")
    client.force_login(people.alice)

    answer = client.post(f"/teams/northlight/runs/{run.pk}/notes/", {"text": " "}, follow=True)

    assert "Write a note of 1 to 2,000 characters." in answer.content.decode()
    assert not RunNote.objects.exists()


def test_a_run_of_many_scenes_is_shown_in_pages(bob, server, monkeypatch):
    monkeypatch.setattr("history.run_page.reading.SCENES", 2)
    monkeypatch.setattr("history.run_page.views.SCENES", 2)
    run = ran(server, *["success"] * 5)

    first, last = page(bob, run), page(bob, run, "?scene=4")

    assert "1 to 2 of 5" in first
    assert 'href="?scene=2#scenes-title"' in first
    assert "5 to 5 of 5" in last


@pytest.fixture
def two_a_page(monkeypatch):
    monkeypatch.setattr("history.run_page.reading.SCENES", 2)
    monkeypatch.setattr("history.run_page.views.SCENES", 2)


@pytest.mark.usefixtures("two_a_page")
def test_what_is_at_work_on_another_page_counts_in_the_head(bob, server):
    run = ran(server, "success", "success", "success", Status.RUNNING, Status.QUEUED)

    html = page(bob, run)

    assert '<h2 id="why">3 of 5 scenes done, 1 executing, 1 queued.</h2>' in html
    assert 'data-status="executing"' in html.split("</h1>")[0]
    assert 'aria-label="5 scenes: 3 completed, 1 executing, 1 queued"' in html
    assert f'id="server-{server.pk}-exec"' in html
    assert "1 prompt" in html.split("Current telemetry")[1].split("</section>")[0]


@pytest.mark.usefixtures("two_a_page")
def test_why_a_scene_of_another_page_failed_is_told_in_the_head(bob, server):
    run = ran(server, "success", "success", "failed")
    Attempt.objects.filter(outcome="failed").update(error_type="torch.OutOfMemoryError")

    assert "2 of 3 scenes completed: scene-003 failed, OutOfMemoryError." in page(bob, run)


@pytest.mark.usefixtures("two_a_page")
def test_the_foot_counts_the_attempts_of_all_pages(bob, server):
    run = ran(server, *["success"] * 5)
    Attempt.objects.filter(scene__external_id="scene-005").update(found_later=True)

    html = page(bob, run)

    assert "5 attempts: 5 watched. 1 found only after the end." in html


@pytest.mark.usefixtures("two_a_page")
def test_slow_scenes_are_counted_on_the_page_that_is_shown_and_it_says_so(bob, server):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for hour in range(8):
        ran(server, *["success"] * 3, hours=-30 + hour)

    assert "2 scenes of this page took longer" in page(
        bob, ran(server, *["success"] * 3, lasted_s=150)
    )


@pytest.mark.parametrize("scenes", [5, 30])
@pytest.mark.usefixtures("two_a_page")
def test_it_asks_the_database_as_often_for_many_pages(bob, server, scenes):
    run = ran(server, *["failed"] * (scenes - 1), Status.RUNNING)
    page(bob, run)

    with CaptureQueriesContext(connection) as asked:
        page(bob, run)

    assert len(asked) == PAGED_QUERIES


# Three of them ask when what is at work should be over.
PAGED_QUERIES = 22


@pytest.mark.parametrize("query", ["?scene=x", "?scene=99999999", "?scene=-1", "?scene=500"])
def test_a_place_that_makes_no_sense_does_no_harm(bob, server, query):
    page(bob, ran(server, "success"), query)


@pytest.mark.parametrize("scenes", [3, 60])
def test_it_asks_the_database_as_often_for_many_scenes(bob, people, scenes):
    file_all(people.northlight, {name: lasted * (scenes // 3) for name, lasted in RUNS.items()})
    run = Run.objects.get(external_id="20251112-102213")
    page(bob, run)

    with CaptureQueriesContext(connection) as asked:
        page(bob, run)

    assert len(asked) == QUERIES


QUERIES = 22


def test_the_wall_s_address_of_a_run_leads_to_its_page(bob, server):
    run = ran(server, "success")

    answer = bob.get(f"/runs/{run.pk}/")

    assert answer["location"] == f"/teams/northlight/runs/{run.pk}/"


def test_the_part_for_open_pages_is_that_of_the_page(bob, server):
    run = ran(server, "success", Status.RUNNING)

    part = bob.get(f"/teams/northlight/runs/{run.pk}/record/").content.decode()

    assert "<html" not in part
    assert "1 of 2 scenes done, 1 executing." in part


def test_a_run_that_goes_on_follows_its_servers(bob, server):
    run = ran(server, Status.RUNNING)

    html = page(bob, run)

    assert f'data-topics="run-{run.pk} server-{server.pk}"' in html
    assert f'id="server-{server.pk}-exec"' in html
