"""The page of a scene: its sentence, its error, its attempts, nodes, trace and earlier runs."""

import html as markup
import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from history.failures.keeping import keep
from history.models import Attempt, FailureFamily, Run, Scene
from history.settling import note_servers, settle
from telemetry.words import Status
from tests import cast

pytestmark = pytest.mark.django_db

BEGAN = timezone.now().replace(microsecond=0) - timedelta(hours=3)
GIB = 1 << 30
OOM = {
    "error_type": "torch.OutOfMemoryError",
    "error_message": "Allocation would exceed allowed memory. Requested 3.52 GiB, "
    "free 0.61 GiB of 23.99 GiB.",
    "error_node": "42",
    "error_node_type": "KSampler",
}
FRAMES = "".join(
    f'  File "/opt/ComfyUI/part{n}.py", line {n}, in work{n}\n    x = step{n}(x)\n'
    for n in range(14)
)


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


@pytest.fixture
def olga(people, client):
    client.force_login(people.olga)
    return client


def tried(server, *outcomes, hours=0.0, lasted_s=90.0, run=None, name="scene-007", **fields):
    """Return a scene whose attempts ended so, one after the other; fields are the last one's."""
    at = BEGAN + timedelta(hours=hours)
    run = run or cast.make_run(server.team, began_at=at, touched_at=at, title="Harbor")
    scene = cast.make_scene(run, external_id=name)
    for number, how in enumerate(outcomes, 1):
        words = {"workload": "w" * 64, "seen_at": at, "submitted_at": at, "waited_s": 2.0}
        if isinstance(how, Status):
            words |= {"status": how, "started_at": at if how == Status.RUNNING else None}
        else:
            end = at + timedelta(seconds=lasted_s)
            words |= {"status": Status.ENDED, "outcome": how, "started_at": at}
            words |= {"ended_at": end, "duration_s": lasted_s}
            at = end
        cast.make_attempt(server, scene, **words, **(fields if number == len(outcomes) else {}))
    settle([scene.pk], [scene.pk])
    note_servers([scene.pk])
    return Scene.objects.get(pk=scene.pk)


def last_of(scene):
    return Attempt.objects.filter(scene=scene).latest("pk")


def page(client, scene, query="", status=200):
    answer = client.get(f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/{query}")
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode())


def told(html):
    """Return what the page tells as text."""
    return re.sub(r"\s+", " ", markup.unescape(re.sub(r"<[^>]*>", "", html)))


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        (["success"], "Completed in 1m 30s."),
        (["failed", "success"], "Completed in 1m 30s at attempt 2; 1 failed before it."),
        (["success", "success"], "Completed in 1m 30s at attempt 2; 1 completed before it."),
        (["failed"], "Failed."),
        (["failed"] * 3, "Failed in all 3 attempts."),
        (["failed", "timeout"], "Timed out in 1 of 2 attempts."),
        (["lost"], "Was lost."),
        (["cancelled", "cancelled"], "Was cancelled in both attempts."),
        (["skipped"], "Skipped: nothing was queued."),
        (
            ["failed", Status.RUNNING],
            "It is at work on kino-01; 1 attempt before came to: 1 failed.",
        ),
        ([Status.QUEUED], "It waits in the queue."),
        ([], "Nothing was queued for it yet."),
    ],
)
def test_it_says_first_what_happened(bob, server, outcomes, sentence):
    html = page(bob, tried(server, *outcomes))

    assert f'<h2 id="why">{sentence}</h2>' in html


def test_it_says_why_a_scene_failed_and_how_much_memory_was_wanting(bob, server):
    html = page(bob, tried(server, "failed", **OOM))

    assert (
        "Failed: OutOfMemoryError in KSampler, which asked for 3.5 GiB while 0.6 of 24.0 GiB "
        "were free."
    ) in told(html)
    assert re.search(r"<dt>Asked for</dt><dd class=\"num\">3.5 GiB</dd>", html)
    assert "<code>KSampler</code>, id 42" in html


def test_the_whole_traceback_is_there_for_operators(olga, server):
    html = page(olga, tried(server, "failed", **OOM, traceback=FRAMES))

    last, whole = re.findall(r"<pre.*?</pre>", html)
    assert told(last).count("File") == 2
    assert "step13(x)" in last
    assert "step11(x)" not in last
    assert told(whole).count("File") == 14
    assert "Full traceback, 14 frames" in html


def test_a_viewer_sees_no_traceback(bob, server):
    html = page(bob, tried(server, "failed", **OOM, traceback=FRAMES))

    assert "part13.py" not in html
    assert "Tracebacks are for operators." in html


def test_a_prompt_s_text_is_for_operators(people, client, server):
    scene = tried(server, "success")
    cast.make_scene_report(scene, prompt="a ferry at dusk")
    client.force_login(people.bob)
    as_viewer = page(client, scene)
    client.force_login(people.olga)

    assert "a ferry at dusk" not in as_viewer
    assert "a ferry at dusk" in page(client, scene)


def test_it_tells_what_was_asked_of_the_gpu(bob, server):
    files = [["unet", "wan2.2.safetensors"], ["vae", "wan_vae.safetensors"]]
    size = {"width": 1280, "height": 720, "frames": 81, "steps": 20, "batch": 1}
    cast.make_workload("w" * 64, files=files, samplers=["euler"], **size)

    html = page(bob, tried(server, "failed", **OOM))

    assert "1280 × 720, 81 frames, 20 steps, euler" in html
    assert "<code>wan2.2.safetensors</code>, <code>wan_vae.safetensors</code>" in html


def test_it_leads_to_the_family_of_its_failure(bob, server):
    scenes = [tried(server, "failed", hours=-n, **OOM) for n in range(3)]
    with transaction.atomic():
        keep(Attempt.objects.values_list("pk", flat=True))
    family = FailureFamily.objects.get()

    html = page(bob, scenes[0])

    assert "Seen 3 times in 3 runs" in html
    assert f'href="/teams/northlight/failures/{family.pk}/"' in html


def test_the_attempt_that_decides_is_shown_unless_another_is_asked_for(bob, server):
    scene = tried(server, "failed", "success")
    first = Attempt.objects.filter(scene=scene).earliest("pk")
    Attempt.objects.filter(pk=first.pk).update(**OOM)

    assert "torch.OutOfMemoryError" not in page(bob, scene)
    html = page(bob, scene, f"?attempt={first.pk}")
    assert '<h2 id="error-title" class="tone" data-tone="bad">torch.OutOfMemoryError</h2>' in html
    assert f'<tr id="attempt-{first.pk}" aria-current="true">' in html


def test_what_is_told_of_the_scene_is_not_told_of_another_attempt(bob, server):
    scene = tried(server, "failed", "success")
    Scene.objects.update(warmth="cold", frames=81)
    first = Attempt.objects.filter(scene=scene).earliest("pk")

    assert "<dt>Began</dt>" in page(bob, scene)
    html = page(bob, scene, f"?attempt={first.pk}")
    assert "<dt>Began</dt>" not in html
    assert "<dt>Frames</dt>" not in html


@pytest.mark.parametrize(
    ("counted", "names"),
    [([1, 2], ["1", "2"]), ([3, 4], ["3", "4"]), ([1, 1], ["1", "2"]), ([2, None], ["1", "2"])],
)
def test_attempts_are_called_as_their_submitter_counts_if_that_is_a_count(
    bob, server, counted, names
):
    scene = tried(server, "failed", "failed")
    for attempt, number in zip(Attempt.objects.order_by("pk"), counted, strict=True):
        Attempt.objects.filter(pk=attempt.pk).update(attempt_number=number)

    assert re.findall(r">Attempt (\d)</a>", page(bob, scene)) == names


def test_an_attempt_of_another_scene_is_not_there(bob, server):
    scene, other = tried(server, "success"), tried(server, "success", hours=-1)

    page(bob, scene, f"?attempt={last_of(other).pk}", status=404)


def test_a_scene_is_not_there_under_another_run(bob, server):
    scene, other = tried(server, "success"), tried(server, "success", hours=-1)

    answer = bob.get(f"/teams/northlight/runs/{other.run_id}/scenes/{scene.pk}/")

    assert answer.status_code == 404


@pytest.mark.parametrize("query", ["?attempt=x", "?attempt=-1", "?attempt=", "?attempt=²"])
def test_an_attempt_that_makes_no_sense_does_no_harm(bob, server, query):
    page(bob, tried(server, "success"), query)


def test_an_attempt_s_row_tells_memory_wait_and_exit(bob, server):
    scene = tried(server, "failed", **OOM)
    attempt = last_of(scene)
    full = {"total_bytes": 24 * GIB, "free_lowest_bytes": GIB // 10}
    cast.make_memory(attempt, **full)
    cast.make_script_report(attempt, exit_reason="executionError")

    html = page(bob, scene)

    row = html.split(f'id="attempt-{attempt.pk}"')[1].split("</tr>")[0]
    assert "23.9 of 24.0 GiB" in told(row)
    assert 'data-tone="warn"' in row
    assert "<code>KSampler 42</code>" in row
    assert "executionError" in row
    assert "2.0 s" in told(row)


def nodes_of(html):
    part = html.split('id="nodes-title"')[1].split("</section>")[0]
    rows = re.findall(r"<tr.*?</tr>", part)[1:]
    return [told(row.replace("<td", " <td")) for row in rows]


def test_nodes_are_told_apart_as_cached_at_work_at_fault_and_not_reached(bob, server):
    scene = tried(server, "failed", **OOM)
    attempt = last_of(scene)
    begin = attempt.started_at
    cast.make_node(attempt, node="1", class_type="UNETLoader", cached=True, started_at=None)
    times = {"started_at": begin, "ended_at": begin + timedelta(seconds=9), "duration_s": 9.0}
    cast.make_node(attempt, node="6", class_type="CLIPTextEncode", **times)
    at = begin + timedelta(seconds=45)
    late = {"started_at": at, "ended_at": attempt.ended_at, "duration_s": 45.0}
    cast.make_node(attempt, node="42", class_type="KSampler", **late)
    names = {"1": "UNETLoader", "6": "CLIPTextEncode", "42": "KSampler", "8": "VAEDecode"}
    cast.make_graph(attempt, {k: {"class_type": v, "inputs": {}} for k, v in names.items()})

    html = page(bob, scene)

    rows = [row.strip() for row in nodes_of(html)]
    assert [row.split()[:4] for row in rows] == [
        ["UNETLoader", "1", "cached"],
        ["CLIPTextEncode", "6", "9.0", "s"],
        ["KSampler", "42", "·", "failed"],
        ["VAEDecode", "8", "·", "not"],
    ]
    assert '<rect x="50.0%" y="2" width="50.0%"' in html
    assert '<rect x="0.0%" y="2" width="10.0%"' in html


def test_without_node_times_it_says_what_would_give_them(bob, server):
    html = page(bob, tried(server, "success"))

    assert "No channel told when its nodes worked." in html
    assert "with the companion on the server" in html


def test_the_trace_is_of_the_gpu_with_least_memory_left(bob, server):
    scene = tried(server, "success", lasted_s=60)
    begin = last_of(scene).started_at
    begin -= timedelta(seconds=begin.timestamp() % 10)
    for n in range(7):
        at, used = begin + timedelta(seconds=10 * n), {"total_bytes": 24 * GIB}
        busy = {"utilisation_mean_percent": 90.0, "temperature_highest_c": 70 + n}
        cast.make_gpu_sample(server, at=at, free_lowest_bytes=(12 - n) * GIB, **used, **busy)
        cast.make_gpu_sample(server, at=at, index=1, free_lowest_bytes=20 * GIB, **used)

    html = page(bob, scene)

    assert "attempt 1, GPU 0, every 10 s" in html
    assert html.count('class="line c1"') == html.count('class="line c2"') == 1
    table = told(html.split("Table of GPUs")[1].split("</table>")[0])
    assert re.search(r"GPU 0 ?1[78].0 of 24.0 ?[67].0 ?90% ?7[56] °C", table), table
    assert re.search(r"GPU 1 ?4.0 of 24.0 ?20.0 ?– ?–", table), table


def test_a_trace_breaks_where_nobody_measured(bob, server):
    scene = tried(server, "success", lasted_s=120)
    begin = last_of(scene).started_at
    for n in (1, 2, 8, 9):
        at = begin + timedelta(seconds=10 * n)
        cast.make_gpu_sample(server, at=at, total_bytes=24 * GIB, free_lowest_bytes=GIB)

    line = re.search(r'class="line c1" d="([^"]*)"', page(bob, scene))[1]

    assert line.count("M") == 2


def test_without_samples_there_is_no_trace(bob, server):
    assert "No sample of a GPU is on record for that time." in page(bob, tried(server, "success"))


def test_earlier_runs_stand_over_the_baseline(bob, server):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for n in range(6):
        tried(server, "success", hours=-20 + n, lasted_s=100 + n)
    tried(server, "failed", hours=-10, **OOM)

    scene = tried(server, "success", lasted_s=200)
    Scene.objects.update(warmth="warm")

    html = page(bob, scene)

    said = told(html)
    assert "6 of its last 7 earlier runs completed, 1 failed. This time 95% slower" in said
    assert "baseline 1m 42s, the middle half 1m 41s to 1m 44s on RTX 4090, n = 6" in said
    rows = html.split('id="earlier-title"')[1].split("<tbody>")[1].split("</tr>")
    assert "Failed" in rows[0]
    assert "not compared: did not complete" in rows[0]
    assert "2.4% as usual" in told(rows[1])
    assert "n = 6" in rows[1]


def test_a_time_on_another_gpu_is_not_compared(bob, server):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    other = cast.make_server(server.team, name="atlas")
    cast.make_device(other, index=0, model="H200")
    tried(server, "success", hours=-3)
    tried(other, "success", hours=-2, lasted_s=40)

    scene = tried(server, "success")
    Scene.objects.update(warmth="warm")

    html = page(bob, scene)

    first = html.split('id="earlier-title"')[1].split("<tbody>")[1].split("</tr>")[0]
    assert "H200" in first
    assert "not compared: on another GPU model" in first


def test_the_baseline_holds_nothing_of_its_own_run(bob, server):
    run = cast.make_run(server.team, began_at=BEGAN, touched_at=BEGAN, title="Harbor")
    scenes = [tried(server, "success", run=run, name=f"scene-{n:03}") for n in range(5)]

    assert "no baseline" in page(bob, scenes[-1])


def test_it_leads_to_the_scenes_beside_it(bob, server):
    run = cast.make_run(server.team, began_at=BEGAN, touched_at=BEGAN, title="Harbor")
    scenes = [tried(server, "success", run=run, name=f"scene-{n}") for n in (9, 10, 11)]

    html = page(bob, scenes[1])

    before, after = (
        re.search(rf'id="scene-{side}" href="[^"]*/(\d+)/" aria-label="([^"]*)"', html)
        for side in ("before", "after")
    )
    assert before.groups() == (str(scenes[0].pk), "Scene before: scene-9")
    assert after.groups() == (str(scenes[2].pk), "Next scene: scene-11")


def test_a_run_s_table_leads_to_its_scenes(bob, server):
    scene = tried(server, "success")

    html = bob.get(f"/teams/northlight/runs/{scene.run_id}/").content.decode()

    assert f'href="/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/"' in html


def test_a_scene_at_work_follows_its_run_and_server(bob, server):
    scene = tried(server, "failed", Status.RUNNING)

    html = page(bob, scene)

    assert f'data-topics="run-{scene.run_id} server-{server.pk}"' in html
    assert f'id="server-{server.pk}-exec"' in html
    address = f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/record/"
    assert f'data-refresh="{address}"' in html
    part = bob.get(address).content.decode()
    assert "<html" not in part
    assert "It is at work on kino-01" in part


def test_an_attempt_that_was_chosen_stays_so_as_the_page_follows(bob, server):
    scene = tried(server, "failed", Status.RUNNING)
    first = Attempt.objects.filter(scene=scene).earliest("pk")

    html = page(bob, scene, f"?attempt={first.pk}")

    assert f'/record/?attempt={first.pk}" data-refresh-on' in html


def test_hostile_names_are_text(olga, server):
    bad = "<script>x</script>"
    fault = dict.fromkeys(("error_type", "error_message", "error_node", "reason"), bad)
    scene = tried(server, "failed", name=bad, **fault, error_node_type=bad, traceback=bad)
    attempt = last_of(scene)
    cast.make_node(attempt, node=bad, class_type=bad, started_at=attempt.started_at)
    cast.make_graph(attempt, {"9": {"class_type": bad}})
    cast.make_workload("w" * 64, files=[[bad, bad]], samplers=[bad])

    assert bad not in page(olga, scene)


def furnished(server, many):
    """Return a scene of so many attempts, nodes and earlier runs."""
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for n in range(min(many, 30)):
        tried(server, "success", hours=-40 + n)
    scene = tried(server, *["failed"] * many, lasted_s=1, **OOM)
    attempt = last_of(scene)
    cast.make_graph(attempt, {str(n): {"class_type": "K", "inputs": {}} for n in range(many + 5)})
    for n in range(many):
        cast.make_node(attempt, node=str(n), started_at=attempt.started_at, duration_s=0.1)
        cast.make_gpu_sample(server, at=attempt.started_at, index=n, free_lowest_bytes=GIB)
    for one in Attempt.objects.all():
        cast.make_outputs(one, *[f"{n}.png" for n in range(many)])
        cast.make_memory(one, total_bytes=24 * GIB, free_lowest_bytes=GIB)
    with transaction.atomic():
        keep(Attempt.objects.values_list("pk", flat=True))
    return scene


def test_its_time_is_drawn_over_the_scenes_of_its_baseline(bob, server):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for n in range(6):
        tried(server, "success", hours=-20 + n, lasted_s=100 + n)
    scene = tried(server, "success", lasted_s=200)
    Scene.objects.update(warmth="warm")
    address = f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/charts/duration"

    told = bob.get(f"{address}.json").json()
    table = bob.get(f"{address}/").content.decode()

    assert f'data-chart="{address}.json"' in page(bob, scene)
    assert "95% more than the median of 6 earlier ones" in str(told).replace("\\xa0", " ")
    assert table.count("<tr") == 8
    assert "3m\u00a020s" in table


@pytest.mark.parametrize(("slow_s", "queries"), [(120, 9), (100, 8)])
def test_its_chart_says_since_when_such_scenes_take_longer(bob, server, slow_s, queries):
    cast.make_workload("w" * 64, files=[["unet", "x.safetensors"]])
    for day, version in ((-99, "0.3.64"), (-6.5, "0.33.0")):
        since = BEGAN + timedelta(days=day)
        cast.make_environment(server, since=since, comfyui_version=version)
    for n in range(12):
        tried(server, "success", hours=24 * (n - 13), lasted_s=(slow_s if n > 6 else 100) + n % 2)
    scene = tried(server, "success", lasted_s=slow_s)
    Scene.objects.update(warmth="warm")
    address = f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/charts/duration.json"

    with CaptureQueriesContext(connection) as asked:
        told = bob.get(address).json()["figure"]

    said = "such scenes take 20% longer (n = 7 before, 6 after)."
    assert (said in told, "kino-01: ComfyUI 0.3.64 → 0.33.0." in told) == (slow_s > 100,) * 2
    assert len(asked) == queries


def test_there_is_no_chart_of_another_name(bob, server):
    scene = tried(server, "success")

    address = f"/teams/northlight/runs/{scene.run_id}/scenes/{scene.pk}/charts/other.json"
    assert bob.get(address).status_code == 404


QUERIES = 20


@pytest.mark.parametrize("many", [3, 60])
def test_it_asks_the_database_as_often_however_much_there_is(olga, server, many):
    scene = furnished(server, many)
    page(olga, scene)

    with CaptureQueriesContext(connection) as asked:
        page(olga, scene)

    assert len(asked) == QUERIES, "\n".join(q["sql"][:160] for q in asked.captured_queries)


def test_nothing_of_another_team_is_there(people, client, server):
    scene = tried(server, "success")
    client.force_login(people.mallory)

    for slug in ("northlight", "southdark"):
        for part in ("", "record/", f"?attempt={last_of(scene).pk}"):
            address = f"/teams/{slug}/runs/{scene.run_id}/scenes/{scene.pk}/{part}"
            assert client.get(address).status_code == 404, address
    assert Run.objects.filter(pk=scene.run_id).exists()
