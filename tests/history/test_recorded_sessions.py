"""Recorded sessions of a real ComfyUI, all the way into rows."""

import pytest

from history.models import Attempt
from history.rows import Told, write_rows
from telemetry.leases import claim
from telemetry.models import Server, Team
from tests.telemetry.test_machine import BEGAN
from tests.telemetry.traces import TRACES, all_channels, drive, load, truth

pytestmark = pytest.mark.django_db
WITH_HISTORY = [name for name in TRACES if truth(load(name))]


@pytest.fixture
def leased():
    team = Team.objects.create(name="Northlight", slug="northlight")
    Server.objects.create(team=team, name="kino-01", url="http://kino-01:8188")
    return claim("me", BEGAN)[0]


def told_durations(trace):
    """Return each prompt's seconds from first to last message of its history entry."""
    durations = {}
    for record in trace:
        is_history = record.kind == "response" and record.data["path"].startswith("/history")
        body = record.data["body"] if is_history else None
        for prompt_id, entry in (body if isinstance(body, dict) else {}).items():
            if isinstance(entry, dict) and {"prompt", "status"} <= entry.keys():
                messages = entry["status"]["messages"]
                times = [m["timestamp"] for _, m in messages if "timestamp" in m]
                durations[prompt_id] = (max(times) - min(times)) / 1000
    return durations


@pytest.mark.parametrize("name", WITH_HISTORY)
@pytest.mark.parametrize("hear", ["all", "observer"])
def test_it_records_each_prompt_once_with_its_real_end_and_duration(name, hear, leased):
    trace = load(name)
    channels = all_channels(trace) if hear == "all" else {"poll", "ws:observer"}
    _, changes = drive(trace, channels)

    for change in changes:
        write_rows([Told(leased, [change], [])])

    expected, durations = truth(trace), told_durations(trace)
    rows = Attempt.objects.filter(prompt_id__in=expected)
    newest = {row.prompt_id: row for row in rows.order_by("repeat")}
    assert {key: newest[key].outcome for key in expected} == expected
    # A prompt_id that is used again is a further attempt; the history tells only the last.
    assert all(abs(newest[key].duration_s - durations[key]) < 0.1 for key in expected)
    errors = {row.prompt_id for row in rows if row.outcome == "failed"}
    assert all(newest[key].error_type for key in errors)
