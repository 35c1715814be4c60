"""The files that a history entry names: all kinds, bounded, and none with a name that deceives."""

import json

import pytest

from telemetry.protocol.answers import read_history
from telemetry.protocol.outputs import FILES_LIMIT, OutputFile


def outputs_of(outputs):
    """Return what is read of an entry with these outputs."""
    entry = {
        "prompt": [1, "a", {}, {}, []],
        "outputs": outputs,
        "status": {"status_str": "success"},
    }
    (told,) = read_history(json.dumps({"a": entry}).encode()).entries
    return told.outputs


def file(name="a.png", **fields):
    return {"filename": name, "subfolder": "", "type": "output", **fields}


@pytest.mark.parametrize("word", ["images", "gifs", "video", "audio"])
def test_it_reads_files_under_whatever_word(word):
    told = outputs_of({"9": {word: [file("a.mp4", subfolder="harbor")]}})

    assert told.files == (OutputFile("9", "output", "harbor", "a.mp4"),)


def test_what_is_no_file_is_passed_over():
    told = outputs_of({"9": {"text": ["hello"], "animated": [True], "images": [file(), 3, {}]}})

    assert [one.name for one in told.files] == ["a.png"]


def test_of_many_files_the_first_are_kept_and_all_are_counted():
    told = outputs_of({"9": {"images": [file(f"{n}.png") for n in range(500)]}})

    assert (len(told.files), told.count) == (FILES_LIMIT, 500)


@pytest.mark.parametrize(
    "bad",
    [
        file("a\nb.png"),
        file("x" * 256),
        file(""),
        file(type="../etc"),
        file(subfolder="\u0000"),
        file(type=3),
    ],
)
def test_a_file_that_could_not_be_asked_for_is_not_kept(bad):
    assert [one.name for one in outputs_of({"9": {"images": [bad, file("b.png")]}}).files] == [
        "b.png"
    ]


def test_of_an_endless_answer_no_more_is_read_than_others_can_wait_for():
    many = {"9": {"text": ["x" * 3_000_000], "images": [file()]}}
    entries = {
        name: {"prompt": [1, name, {}, {}, []], "outputs": many, "status": {}} for name in "abcde"
    }

    told = read_history(json.dumps(entries).encode()).entries

    assert [entry.outputs is not None for entry in told] == [True, True, False, False, False]


@pytest.mark.parametrize("outputs", [[], "x", 3, {"9": []}, {"9": {"images": "x"}}])
def test_outputs_of_another_shape_cost_nothing_else(outputs):
    told = outputs_of(outputs)

    assert told is None or told.files == ()
