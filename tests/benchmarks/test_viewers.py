"""benchmarks/viewers.py: the figures, from what viewers noted."""

import json
import time
from datetime import UTC, datetime

import pytest

from benchmarks import viewers
from benchmarks._live.audience import Heard
from benchmarks.figures import Figure

MS = 1_000_000


def figure(figures: list[Figure], words: str) -> Figure:
    """Return the one figure whose name holds the words."""
    (found,) = [each for each in figures if words in each.name]
    return found


def heard(*messages: tuple[int, dict[str, object]]) -> Heard:
    """Return what was heard: (when in ms, message) each."""
    texts = [json.dumps(message, separators=(",", ":")) for _, message in messages]
    return Heard(texts, [(place, at * MS) for place, (at, _) in enumerate(messages)])


def change(seq: int, feed: list[str] | None = None) -> dict[str, object]:
    """Return a change with lines of the feed."""
    lines = [{"id": f"event-{n}", "html": html} for n, html in enumerate(feed or [])]
    return {"type": "change", "seq": seq, "feed": lines}


def line(tone: str, at: datetime) -> str:
    """Return a line of the feed."""
    return f'<li data-tone="{tone}"><time data-clock="{at.isoformat()}">12:00</time></li>'


def test_connecting_is_held_by_its_95th_percentile() -> None:
    figures = viewers.connect_figures([10.0] * 99 + [900.0])

    assert figure(figures, "p95").holds
    assert figure(figures, "p95").value == pytest.approx(10.0)


def test_gaps_count_between_changes_alone() -> None:
    told = [(0, {"type": "snapshot", "seq": 1}), (5, {"type": "snapshot", "seq": 1})]
    changes = [(at, change(n)) for n, at in enumerate((10, 210, 410, 460, 1200))]

    figures = viewers.cadence_figures(heard(*told, *changes))

    assert figure(figures, "median").value == 200
    assert figure(figures, "100 to 500").value == 50


def test_a_failure_is_timed_from_when_it_happened() -> None:
    ago_s = 2.0
    began_ns = time.monotonic_ns()
    failed_at = datetime.fromtimestamp(time.time() - ago_s, UTC)
    html = [line("ok", failed_at), line("bad", failed_at)]
    noted = Heard([json.dumps(change(1, html))], [(0, began_ns), (0, began_ns + 500 * MS)])

    figures = viewers.failure_figures([noted, noted])

    assert figure(figures, "told").value == 2
    assert figure(figures, "p50").value == pytest.approx(1000 * ago_s, abs=50)


def test_a_snapshot_s_feed_is_no_news() -> None:
    told = {"type": "snapshot", "feed": [{"id": "x", "html": line("bad", datetime.now(UTC))}]}

    assert viewers.failures_in(json.dumps(told)) == []


def test_delay_is_compared_with_the_mean_age_of_what_is_polled() -> None:
    figures = viewers.delay_figures([100.0] * 50)

    assert figure(figures, "sooner").value == 150
    assert figure(figures, "sooner").holds


def test_nothing_heard_passes_nothing() -> None:
    figures = [
        *viewers.connect_figures([]),
        *viewers.delay_figures([]),
        *viewers.failure_figures([]),
    ]

    assert [each.holds for each in figures if each.limit is not None] == [False] * 4
