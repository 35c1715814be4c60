"""history/progress.py: what a long command says while it works."""

from io import StringIO

import pytest
from django.core.management.base import BaseCommand

from history import progress


class Terminal(StringIO):
    """An output that is a terminal."""

    def isatty(self) -> bool:
        return True


def said(output: StringIO, steps: list[int]) -> str:
    """Return what a command writes while it does three things."""
    with progress.progress(BaseCommand(stdout=output), "Filling", 3, "scenes") as done:
        for some in steps:
            done(some)
    return output.getvalue()


def test_it_tells_how_far_it_is_and_how_long_it_takes_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "TELL_S", 0)

    lines = said(StringIO(), [2, 1]).splitlines()

    assert lines == [
        "2 of 3 scenes, about 0:00:00 to go",
        "3 of 3 scenes, about 0:00:00 to go",
    ]


def test_it_reckons_the_time_left_from_the_time_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr("history.progress.time.monotonic", lambda: next(times))

    assert said(StringIO(), [1, 1]).splitlines() == [
        "1 of 3 scenes, about 0:00:20 to go",
        "2 of 3 scenes, about 0:00:10 to go",
    ]


def test_it_waits_from_the_last_time_it_told(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 4.0, 5.0, 7.5])
    monkeypatch.setattr("history.progress.time.monotonic", lambda: next(times))

    told = said(StringIO(), [1, 1, 1]).splitlines()

    assert [line.partition(" of ")[0] for line in told] == ["1", "3"]


def test_it_does_not_tell_all_the_time() -> None:
    assert said(StringIO(), [1, 1, 1]) == ""


@pytest.mark.parametrize("steps", [[0], [0, 4]])
def test_it_minds_neither_nothing_nor_more_than_was_counted(
    steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TELL_S", 0)

    assert said(StringIO(), steps).count(" of 3 scenes") == len([some for some in steps if some])


def test_it_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)

    shown = said(terminal, [1, 1, 1])

    assert "Filling" in shown
    assert "3/3" in shown
    assert "to go" not in shown
