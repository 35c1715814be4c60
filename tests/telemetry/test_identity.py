"""Whose prompt it is: from extra_data, by allow-list."""

import json
from datetime import UTC, datetime

import pytest

from telemetry.identity import identity_of


def identity(**extra):
    return identity_of(json.dumps(extra).encode())


def test_it_names_the_user_before_the_client_id():
    assert identity(user="mira", client_id="tab-1").submitter == "mira"
    assert identity(client_id="tab-1").submitter == "tab-1"
    assert identity().submitter is None


def test_it_takes_our_own_object_before_the_top_level():
    assert identity(run_id="a", scenewatch={"run_id": "b"}).words["run_id"] == "b"


def test_it_keeps_only_what_the_list_allows():
    kept = identity(api_key_comfy_org="secret", run_id=7, extra_pnginfo={"workflow": {}}, attempt=2)

    assert kept.kept == {"run_id": "7", "attempt": 2}


def test_it_reads_when_comfyui_took_the_prompt():
    assert identity(create_time=1795254395001).submitted_at == datetime.fromtimestamp(
        1795254395.001, UTC
    )


@pytest.mark.parametrize(
    "extra",
    [
        {"user": ["a"], "client_id": {"x": 1}, "create_time": "soon", "attempt": "2"},
        {"create_time": 1e300, "attempt": -1, "run_id": True},
        {"create_time": float("nan"), "scenewatch": "text"},
        {"run_id": 10**400},
    ],
)
def test_it_takes_hostile_values_as_untold(extra):
    told = identity_of(json.dumps(extra).encode())

    assert (told.submitter, told.submitted_at, told.kept) == (None, None, {})


@pytest.mark.parametrize("raw", [b"", b"[1]", b"null", b'"text"'])
def test_it_never_raises(raw):
    assert identity_of(raw).submitter is None


def test_it_cuts_long_names_and_drops_control_characters():
    told = identity(user="x\u0000\u001b[31m" + "y" * 500)

    assert len(told.submitter) == 200
    assert "\x1b" not in told.submitter
