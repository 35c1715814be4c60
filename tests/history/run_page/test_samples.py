"""Files in the shape of every known sample are taken, and what they tell stands on the pages."""

import re
from typing import Any

import pytest
from django.test import Client

from history.filing.into import Into
from history.filing.run import file_run
from history.imports.errors import Unreadable
from history.imports.reading import File, read
from history.models import Attempt, Finding, Run, Scene
from tests import cast
from tests.history.artifacts import NOW, QUOTED, SAMPLES, as_bytes, gpu, scene, telemetry
from tests.history.artifacts import metadata as whole

pytestmark = pytest.mark.django_db
NOT_TOLD = "Nobody told by which policy its submitter waits and retries."
# Sample: outcome and exit reason of its scene, what its policy card says, what was seen around it.
SHOWN = {
    "01": (
        "Completed",
        "completed",
        "Longest wait 10m 00s",
        "Free VRAM 10.0 GiB before, 9.4 GiB after, 576 MiB less",
    ),
    "02": (
        "Timed out",
        "wait limit reached",
        NOT_TOLD,
        "Free VRAM 15.6 GiB before, 15.8 GiB after, 134 MiB more",
    ),
    "03": (
        "Completed",
        "completed, grace elapsed",
        "One try at most 45s",
        "Done marker seen after 0.5 s",
    ),
    "04": ("Completed", "–", NOT_TOLD, ""),
    "05": (
        "Completed",
        "completed, grace elapsed",
        "History polls unlimited",
        "Done marker seen after 0.5 s",
    ),
    "06": ("Unknown", "unknown", "Retries per scene 1", "History an entry was seen"),
    "07": (
        "Completed",
        "completed, grace elapsed",
        "Retries per scene 3",
        "History an entry was seen, 12 Nov 10:23",
    ),
}


@pytest.fixture
def olga(client: Client) -> Client:
    people = cast.make_cast()
    client.force_login(people.olga)
    return client


def file(told: Any) -> Run:
    """Put a file on record; return its run."""
    [run] = read(File("artifact-metadata.json", as_bytes(told)), NOW)
    file_run(run, Into(cast.Team.objects.get(slug="northlight"), NOW))
    return Run.objects.get()


def text_of(client: Client, address: str) -> str:
    """Return what a page says, as one line."""
    answer = client.get(address)
    assert answer.status_code == 200
    text = re.sub(r"<[^>]*>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ")).replace(" ,", ",")


def pages_of(client: Client, run: Run) -> tuple[str, str]:
    """Return what the run's page and that of its first scene say."""
    of_run = f"/teams/northlight/runs/{run.pk}/"
    first = Scene.objects.filter(run=run).earliest("pk")
    return text_of(client, of_run), text_of(client, f"{of_run}scenes/{first.pk}/")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_taken_and_its_run_tells_it(name: str, olga: Client) -> None:
    outcome, ended, policy, seen = SHOWN[name]

    on_run, _ = pages_of(olga, file(SAMPLES[name]()))

    row = on_run.partition("Exit reason")[2].partition("What was seen")[0]
    assert outcome in row
    assert f" {ended} " in row
    assert policy in on_run
    assert seen in on_run


@pytest.mark.parametrize("name", SAMPLES)
def test_no_page_of_a_sample_shows_what_older_pages_got_wrong(name: str, olga: Client) -> None:
    for text in pages_of(olga, file(SAMPLES[name]())):
        assert not re.search(
            r"NaN|undefined|Unknown Exit|No telemetry data|\bnull\b|None(?!:)", text
        )


@pytest.mark.parametrize("name", QUOTED)
def test_a_quoted_sample_is_refused_with_the_place_where_it_is_no_json(name: str) -> None:
    data, line, column = QUOTED[name]

    with pytest.raises(Unreadable) as caught:
        read(File("artifact-metadata.json", data), NOW)

    assert (caught.value.line, caught.value.column) == (line, column)


def test_placeholders_come_with_findings(olga: Client) -> None:
    run = file(SAMPLES["06"]())

    assert "placeholder" in set(Finding.objects.filter(run=run).values_list("code", flat=True))


@pytest.mark.parametrize(
    ("after_mb", "words"),
    [
        (20870.0, "as much"),
        (20801.0, "69 MiB less"),
        (21003.7, "134 MiB more"),
        (16409.0, "4.4 GiB less"),
    ],
)
def test_a_difference_of_memory_is_told_in_words_and_small_ones_too(
    olga: Client, after_mb: float, words: str
) -> None:
    block = telemetry(GPU=gpu(20870.0, after_mb))

    for text in pages_of(olga, file(whole([scene(Telemetry=block)]))):
        assert f"GiB after, {words}" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"DoneMarkerDetected": False, "DoneMarkerWaitSeconds": 60.0}, "not seen after 1m 00s"),
        ({"DoneMarkerDetected": True, "DoneMarkerWaitSeconds": None}, "seen"),
    ],
)
def test_the_done_marker_is_told_with_how_long_it_was_waited_for(
    olga: Client, fields: dict[str, Any], words: str
) -> None:
    run = file(whole([scene(Telemetry=telemetry(**fields))]))

    assert f"Done marker {words} " in pages_of(olga, run)[0]


def test_an_entry_in_the_history_is_not_called_success(olga: Client) -> None:
    block = telemetry(HistoryExitReason="unknown")
    one = scene(FrameCount=0, Success=False, MeetsFrameFloor=False, Telemetry=block)

    for text in pages_of(olga, file(whole([one]))):
        assert "History an entry was seen" in text
        assert "Failed" in text


def test_what_only_ran_on_a_server_has_no_word_of_a_script(olga: Client) -> None:
    run = file(SAMPLES["01"]())
    Attempt.objects.get().script_report.delete()

    assert "an entry was seen" not in pages_of(olga, run)[0]
