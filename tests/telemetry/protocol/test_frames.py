"""decode: every event of ComfyUI's tables, and nothing that raises."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.protocol import decode
from telemetry.protocol import frames as f
from telemetry.protocol.frames import TYPES
from tests.telemetry.traces import TRACES, load

PROMPT = "3e414837-a05a-491d-a85d-1ecc79e6b33c"


def frame(kind, **data):
    return json.dumps({"type": kind, "data": data})


def test_it_reads_how_many_prompts_are_left():
    event = decode(frame("status", status={"exec_info": {"queue_remaining": 3}}, sid="x"))

    assert isinstance(event, f.Status)
    assert (event.queue_remaining, event.sid) == (3, "x")


def test_it_reads_the_end_marker_as_no_node():
    assert decode(frame("executing", node=None, prompt_id=PROMPT)) == f.Executing(
        None, None, PROMPT
    )


def test_it_reads_a_reconnecting_submitters_node_without_prompt_id():
    assert decode(frame("executing", node="2")) == f.Executing("2", None, None)


def test_it_reads_an_error_with_what_people_need():
    event = decode(
        frame(
            "execution_error",
            prompt_id=PROMPT,
            node_id="2",
            node_type="TTFail",
            exception_type="ValueError",
            exception_message="deliberate\n",
            traceback=["line 1\n", "line 2\n"],
            current_inputs={"image": ["tensor(...)"]},
            timestamp=1795254395001,
        )
    )

    assert isinstance(event, f.ExecutionError)
    assert (event.message, event.trace, event.is_end) == ("deliberate", "line 1\nline 2\n", True)


def test_it_knows_that_a_blocked_branch_is_not_the_end():
    event = decode(frame("execution_error", prompt_id=PROMPT, exception_type="ExecutionBlocked"))

    assert isinstance(event, f.ExecutionError)
    assert not event.is_end


def test_it_reads_the_asset_scanners_progress():
    event = decode(frame("assets.seed.progress", phase="hash", message="12 of 40"))

    assert event == f.AssetSeed("progress", "hash", "12 of 40")


def test_it_reads_feature_flags():
    event = decode(frame("feature_flags", supports_preview_metadata=True))

    assert event == f.FeatureFlags({"supports_preview_metadata": True})


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (struct.pack(">II", 1, 1) + b"jpeg", f.Preview(4)),
        (struct.pack(">II", 3, 2) + b"42half a text", f.NodeText("42", "half a text")),
        (
            struct.pack(">II", 4, 34) + b'{"node_id":"7","prompt_id":"abcd"}' + b"image",
            f.Preview(5, "abcd", "7"),
        ),
        (struct.pack(">II", 99, 0), f.Unknown("binary 99")),
        (b"", f.Malformed("frame", "binary frame of 0 bytes")),
    ],
)
def test_it_reads_binary_frames(data, event):
    assert decode(data) == event


def test_it_calls_a_type_that_it_does_not_follow_unknown():
    assert decode(frame("crystools.monitor", cpu=3)) == f.Unknown("crystools.monitor")


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"type": 7}',
        '{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": "3"}}}}',
        '{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": -1}}}}',
        '{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1e400}}}}',
        '{"type": "progress", "data": {"value": NaN, "max": 2}}',
        '{"type": "execution_start", "data": {"prompt_id": ["a", "list"]}}',
        '{"type": "execution_start", "data": {"prompt_id": "' + "x" * 300 + '"}}',
        '{"type": "execution_start", "data": {"prompt_id": "x", "timestamp": 1e300}}',
        '{"type": "status", "data": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"type": "' + "\\ud800" + '"',
        "\udcff\udcfe",
        struct.pack(">II", 4, 33) + b'{"node_id":"7","prompt_id":"abcd"}',
    ],
)
def test_it_calls_what_it_cannot_use_malformed(hostile):
    assert isinstance(decode(hostile), f.Malformed)


def test_it_reads_an_output_with_a_nan_that_json_forbids():
    text = '{"type": "executed", "data": {"node": "9", "prompt_id": "p", "output": {"x": [NaN]}}}'

    assert decode(text) == f.Executed("p", "9")


def test_it_reads_a_message_with_half_an_emoji():
    event = decode(
        '{"type": "execution_error", "data": {"prompt_id": "p", "exception_message": "\\ud83d"}}'
    )

    assert isinstance(event, f.ExecutionError)
    assert event.message == "?"


def test_it_replaces_nul_which_postgresql_refuses():
    event = decode('{"type": "execution_start", "data": {"prompt_id": "a\\u0000b"}}')

    assert event == f.ExecutionStart("a\ufffdb")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.text() | st.binary())
def test_it_never_raises_on_arbitrary_text_and_bytes(data):
    assert decode(data) is not None


@given(st.sampled_from(sorted(TYPES)), JSON)
def test_it_never_raises_on_known_types_with_arbitrary_data(kind, data):
    assert decode(json.dumps({"type": kind, "data": data})) is not None


@given(st.integers(0, 10), st.integers(0, 2**32 - 1), st.binary(max_size=50))
def test_it_never_raises_on_binary_frames(kind, number, rest):
    assert decode(struct.pack(">II", kind, number) + rest) is not None


@pytest.mark.parametrize("name", TRACES)
def test_it_reads_every_frame_that_a_real_comfyui_sent(name):
    frames = [r.data for r in load(name) if r.kind == "text" and r.source != "ws:telemetry"]

    events = [decode(json.dumps(data)) for data in frames]

    assert [e for e in events if isinstance(e, f.Malformed)] == []
    expected = [d["type"] for d in frames]
    known = [
        kind
        for kind, event in zip(expected, events, strict=True)
        if not isinstance(event, f.Unknown)
    ]
    assert known == [k for k in expected if k in TYPES or k == "feature_flags"]


def test_a_text_too_large_for_the_one_thread_that_reads_is_not_read():
    entries = ",".join(['{"t":"","m":"x"}'] * 500_000)

    event = decode('{"type":"logs","data":{"entries":[' + entries + "]}}")

    assert isinstance(event, f.Malformed)
    assert "the limit is 8388608" in event.reason
