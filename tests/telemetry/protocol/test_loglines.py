"""Log lines: steps of progress bars, ends, exceptions, memory."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.protocol import lines_of
from telemetry.protocol import loglines as log

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("\r  0%|          | 0/8 [00:00<?, ?it/s]", log.Step(0, 8, None)),
        ("\r 25%|██▌       | 2/8 [00:00<00:00, 19.92it/s]", log.Step(2, 8, 19.92)),
        ("\r100%|██████████| 20/20 [01:05<00:00,  3.25s/it]", log.Step(20, 20, 1 / 3.25)),
        ("Sampling:  5%|▌ | 1/20 [00:02<00:38, 2.00s/it]", log.Step(1, 20, 0.5, "Sampling")),
        ("12it [00:03,  3.50it/s]", log.Step(12, None, 3.5)),
        ("1%||0/2 []", log.Step(0, 2, None)),
        ("\x1b[32m[INFO]\x1b[0m got prompt\n", log.GotPrompt()),
        ("got prompt\n", log.GotPrompt()),
        (
            "\x1b[32m[INFO]\x1b[0m \x1b[32mPrompt executed in 0.76 seconds\x1b[0m\n",
            log.PromptExecuted(0.76),
        ),
        ("Prompt executed in 00:10:05\n", log.PromptExecuted(605.0)),
        ("!!! Exception during processing !!! no such file", log.ExceptionRaised("no such file")),
        ("[INFO] Processing interrupted", log.Interrupted()),
        ("Requested to load SDXLClipModel", log.ModelRequested("SDXLClipModel")),
        (
            "loaded completely; 21000.00 MB usable, 4897.05 MB loaded, full load: True",
            log.ModelLoaded(True, int(4897.05 * MIB)),
        ),
        (
            "loaded partially; 812.40 MB usable, 812.40 MB loaded, 8000.10 MB offloaded, "
            "9.00 MB buffer reserved, lowvram patches: 0",
            log.ModelLoaded(False, int(812.40 * MIB), int(8000.10 * MIB)),
        ),
        (
            "loaded completely 9.5367431640625e+25 159.87 True",
            log.ModelLoaded(True, int(159.87 * MIB)),
        ),
        ("3 models unloaded.", log.ModelUnloaded(count=3)),
        (
            "Unloaded partially: 512.00 MB freed, 1024.00 MB remains loaded, 0.00 MB buffer",
            log.ModelUnloaded(freed_bytes=512 * MIB),
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. "
            "GPU 0 has a total capacity of 24.00 GiB of which 4.88 MiB is free.",
            log.OutOfMemory(requested_bytes=int(2.5 * GIB), limit_bytes=24 * GIB),
        ),
        (
            "Currently allocated     : 10.11 GiB",
            log.OutOfMemory(allocated_bytes=int(10.11 * GIB)),
        ),
        ("Requested               : 1.20 GiB", log.OutOfMemory(requested_bytes=int(1.2 * GIB))),
        ("Device limit            : 23.69 GiB", log.OutOfMemory(limit_bytes=int(23.69 * GIB))),
    ],
)
def test_it_reads_what_a_line_says(line, said):
    assert list(lines_of(line)) == [said]


def test_it_reads_each_redraw_of_a_bar_in_one_entry():
    text = "\r 20%|██ | 1/5 [00:00<00:00,  5.00it/s]\r 40%|███ | 2/5 [00:00<00:00,  4.99it/s]"

    assert [line.value for line in lines_of(text)] == [1, 2]


@pytest.mark.parametrize(
    "line", ["", "\n", "To see the GUI go to: http://x", "a got prompt", "5/8"]
)
def test_it_says_nothing_of_other_lines(line):
    assert list(lines_of(line)) == []


@given(st.text())
def test_it_never_raises(text):
    list(lines_of(text))


@pytest.mark.parametrize(
    "hostile",
    ["%|" * 500_000, "\r" * 1_000_000, "9" * 1_000_000, " " * 1_000_000 + "%|", "\x1b[" * 500_000],
)
def test_it_is_not_slowed_by_hostile_lines(hostile):
    began = time.process_time()

    list(lines_of(hostile))

    # Milliseconds in fact; a pattern that backtracks would take minutes.
    assert time.process_time() - began < 2


def test_it_tries_no_pattern_on_a_flood_of_lines_that_are_too_short_to_match(monkeypatch):
    monkeypatch.setattr(log, "PATTERNS", [(None, None)])

    assert list(lines_of("ab\n" * 5000)) == []
