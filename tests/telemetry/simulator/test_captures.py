"""The simulator does what a real ComfyUI was recorded doing."""

import json

import pytest

from .reenact import Token, differences, reenact

BAR = "\rbar"
EXECUTION = {
    "execution_start",
    "execution_cached",
    "executing",
    "progress_state",
    "progress",
    "executed",
    "execution_success",
    "execution_error",
    "execution_interrupted",
}

# (capture, note to stop at). What comes after the note needs nodes that send binary frames, or
# a client that sends garbage.
SEQUENTIAL = [
    pytest.param("01", None, id="success"),
    pytest.param("02", None, id="cached rerun"),
    pytest.param("04", None, id="exception"),
    pytest.param("05", None, id="out of memory"),
    pytest.param("06", None, id="interrupt"),
    pytest.param("08", "with previews", id="no client id"),
    pytest.param("14", "sends garbage", id="sockets sharing a client id"),
    pytest.param("16", None, id="log subscription"),
]
# Here a prompt is sent while another starts, and which is first is a race in ComfyUI too: every
# kind of message is compared on its own.
OVERLAPPING = [
    pytest.param("07", "leave no trace", id="two submitters"),
    pytest.param("30", None, id="tqdm of another client"),
]
# The first is recorded in short form, the second is about users' settings.
UNCOMPARED = ("/internal/logs/raw", "/users")


@pytest.mark.parametrize(("name", "until"), SEQUENTIAL)
def test_it_tells_every_socket_the_same_in_the_same_order(name: str, until: str | None) -> None:
    scene = reenact(name, until)

    streams = scene.streams()
    assert streams
    for source, recorded, simulated in streams:
        assert recorded, source
        assert simulated == recorded, source


@pytest.mark.parametrize(("name", "until"), OVERLAPPING)
@pytest.mark.parametrize("kinds", [{"status"}, EXECUTION], ids=["status", "execution"])
def test_it_tells_the_same_of_each_kind_when_prompts_overlap(
    name: str, until: str | None, kinds: set[str]
) -> None:
    scene = reenact(name, until)

    streams = scene.streams()
    assert any(of(recorded, kinds) for _, recorded, _ in streams)
    for source, recorded, simulated in streams:
        assert of(simulated, kinds) == of(recorded, kinds), source


def test_it_logs_the_progress_of_another_client_as_bars_and_lines() -> None:
    scene = reenact("30")

    [(_, recorded, simulated)] = [s for s in scene.streams() if s[0] == "ws:observer"]
    assert log_lines(simulated).count(BAR) == log_lines(recorded).count(BAR)
    assert without_bars(log_lines(simulated)) == without_bars(log_lines(recorded))


@pytest.mark.parametrize(
    ("name", "until"),
    [
        *SEQUENTIAL,
        *OVERLAPPING,
        pytest.param("03", None, id="refused prompts"),
        pytest.param("17", None, id="origin checks"),
    ],
)
def test_it_answers_with_the_same_status_and_shape(name: str, until: str | None) -> None:
    scene = reenact(name, until)

    found = [
        f"{request}: {difference}"
        for request, recorded, simulated in scene.answers
        if not request.endswith(UNCOMPARED)
        for difference in differences(recorded, simulated)
    ]
    assert found == []


def of(stream: list[Token], kinds: set[str]) -> list[Token]:
    return [token for token in stream if token[0] in kinds]


def log_lines(stream: list[Token]) -> list[str]:
    return [line for _, said in of(stream, {"logs"}) for line in json.loads(said)["lines"]]


def without_bars(lines: list[str]) -> list[str]:
    return [line for line in lines if line != BAR]
