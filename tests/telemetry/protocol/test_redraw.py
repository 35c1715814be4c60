"""is_redraw: what may be passed over unread says one step of one bar and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.protocol import decode
from telemetry.protocol import frames as f
from telemetry.protocol.loglines import Step, lines_of
from telemetry.protocol.redraw import is_redraw
from tests.telemetry.traces import TRACES, load

BAR = "\r 25%|██▌       | 5/20 [00:00<00:01,  8.28it/s]"


def logs(*texts, size=None):
    entries = [{"t": "2026-11-20T14:21:46.941000", "m": text} for text in texts]
    return json.dumps({"type": "logs", "data": {"entries": entries, "size": size}})


def said(frame):
    """Return what all lines of a frame say."""
    event = decode(frame)
    assert isinstance(event, f.Logs)
    return [line for entry in event.entries for line in lines_of(entry.m)]


def frames():
    for name in TRACES:
        for record in load(name):
            if record.source.startswith("ws:") and record.kind == "text":
                yield json.dumps(record.data)


def test_it_passes_over_nothing_of_a_real_server_but_single_steps():
    redraws = [frame for frame in frames() if is_redraw(frame)]

    assert len(redraws) > 20
    for frame in redraws:
        (step,) = said(frame)
        assert isinstance(step, Step)


def test_it_knows_nearly_every_bar_of_a_real_server():
    bars = [frame for frame in frames() if "it/s]" in frame and '"type": "logs"' in frame]

    assert sum(map(is_redraw, bars)) > 0.9 * len(bars)


@pytest.mark.parametrize(
    "text",
    [BAR, "\rSampling:  25%|##5       | 5/20 [00:00<?, ?it/s]", f"{BAR}   "],
    ids=["plain", "labelled", "padded"],
)
def test_it_knows_a_bar(text):
    assert is_redraw(logs(text, size={"cols": 80, "rows": 24}))


@pytest.mark.parametrize(
    "frame",
    [
        logs(BAR, "got prompt\n"),
        logs(BAR, BAR),
        logs(f"{BAR}\nPrompt executed in 3.07 seconds"),
        logs(f"{BAR}\n"),
        logs(f"{BAR}{BAR}"),
        logs(f"got prompt\n{BAR}"),
        logs(f"{BAR} Prompt executed in 3.07 seconds"),
        logs("Prompt executed in 3.07 seconds"),
        logs(f"\r!!! Exception during processing !!! {BAR[1:]}\nx"),
        logs(BAR)[:-1],
        logs("\r0" + BAR[1:]),
        logs(BAR) + logs("got prompt"),
        logs(BAR).encode(),
        json.dumps({"type": "progress", "data": {"value": 1, "max": 2}}),
        "",
    ],
)
def test_it_leaves_everything_else_to_be_read(frame):
    assert not is_redraw(frame)


PIECES = ["\r", "\n", BAR, BAR[1:], "got prompt", "Prompt executed in 1.0 seconds", '"', "\\", "|"]
PIECES += [
    " 5/20 [",
    "]",
    "100%|",
    "\u2028",
    "\x00",
    '"}], "size": null}}',
    "12it [00:01, 3.2it/s]",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6))
def test_it_never_hides_more_than_one_step(pieces):
    frame = logs("".join(pieces))

    if is_redraw(frame):
        (step,) = said(frame)
        assert isinstance(step, Step)
