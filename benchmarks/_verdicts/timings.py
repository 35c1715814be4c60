"""How long the statistics of a page take, once numpy is loaded."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks._verdicts.histories import histories, stepped
from history.baseline.change_points import steps_of
from history.baseline.compare import compare
from history.baseline.fingerprint import Fingerprint, fingerprint_of
from history.baseline.ladder import find_baseline
from history.baseline.standing import deviation_of
from history.baseline.summary import insights, summary_of
from history.baseline.verdict import judge_all, split
from history.baseline.work import Warmth, Work
from telemetry.words import Outcome

RUNS, SCENES, EARLIER = 25, 50, 60
ROUNDS = 20


def timings_ms(random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Yield what was done, and the median of ROUNDS times in milliseconds."""
    matrix = histories(random, "normal", 0.05, RUNS, SCENES)
    noise = np.full(SCENES, 0.05)
    yield f"compare {RUNS} runs x {SCENES} scenes", _median_ms(lambda: compare(matrix, 0, noise))

    scenes = _scenes(random)
    page = f"{SCENES} scenes x {EARLIER} earlier runs: baseline, standing, trend"
    yield page, _median_ms(lambda: _judge_page(scenes))

    long = histories(random, "normal", 0.05, 1, 500)
    steps = stepped(stepped(long, np.array([200]), 0.2), np.array([350]), -0.2)[0].tolist()
    yield "steps in 500 runs", _median_ms(lambda: steps_of(steps))

    values = histories(random, "heavy-tailed", 0.1, 1, 100)[0].tolist()
    yield "summary of 100 runs", _median_ms(lambda: insights(summary_of(values)))
    graph = _graph(60)
    yield "fingerprint of a graph of 60 nodes", _median_ms(lambda: fingerprint_of(graph))


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:])) * 1000


def _scenes(random: np.random.Generator) -> list[list[Work]]:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    kind = Fingerprint(workload="w", family="f")
    return [
        [
            Work(
                (run, place),
                kind,
                value,
                began + timedelta(hours=run),
                Outcome.SUCCESS,
                "RTX 4090",
                Warmth.WARM,
                place,
            )
            for run, value in enumerate(values.tolist())
        ]
        for place, values in enumerate(histories(random, "normal", 0.05, SCENES, EARLIER + 1))
    ]


def _judge_page(scenes: list[list[Work]]) -> None:
    found = [find_baseline(works[-1], works) for works in scenes]
    for works, baseline in zip(scenes, found, strict=True):
        deviation_of(works[-1].value, baseline)
    judge_all(split([work.value for work in works]) for works in scenes)


def _graph(size: int) -> bytes:
    nodes = {
        str(place): {
            "class_type": "KSampler" if place % 3 else "EmptyLatentImage",
            "inputs": {
                **{"seed": place, "steps": 20, "cfg": 7.0, "sampler_name": "euler"},
                **{"width": 1024, "height": 1024, "text": "a harbor at dawn " * 5},
                "model": [str(max(0, place - 1)), 0],
            },
        }
        for place in range(size)
    }
    return json.dumps(nodes).encode()
