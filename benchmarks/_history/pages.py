"""The pages of the record, each with its limit (docs/benchmarks.md) and what is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import urlencode

from benchmarks._history.record import Record

RUNS = "/teams/bench/runs/"
API = "/api/v1/runs"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: p95 of a whole request is at most limit_ms."""

    name: str
    limit_ms: float
    path: Callable[[Record, Random], str]

    def paths(self, record: Record, chance: Random, count: int) -> list[str]:
        """Return what is asked for: another place of the record each time."""
        return [self.path(record, chance) for _ in range(count)]


def _deep(record: Record, chance: Random) -> str:
    return f"{RUNS}?{urlencode({'cursor': record.one('cursors', chance)})}"


def _deep_json(record: Record, chance: Random) -> str:
    return f"{API}?{urlencode({'cursor': record.one('cursors', chance)})}"


def _run_json(record: Record, chance: Random) -> str:
    return f"{API}/{record.one('runs', chance)}"


def _four_criteria(record: Record, chance: Random) -> str:
    asked = {
        "since": record.one("days", chance),
        "status": chance.choice(["failed", "completed"]),
        "server": record.one("servers", chance),
        "workload": record.one("workloads", chance),
    }
    return f"{RUNS}?{urlencode(asked)}"


def _run(record: Record, chance: Random) -> str:
    return f"{RUNS}{record.one('runs', chance)}/"


def _scene(record: Record, chance: Random) -> str:
    run, scene = record.one("scenes", chance)
    return f"{RUNS}{run}/scenes/{scene}/"


def _compare(record: Record, chance: Random) -> str:
    runs = ",".join(str(pk) for pk in record.some("runs", 25, chance))
    return f"/teams/bench/compare/?runs={runs}"


PAGES = (
    Page("list", 40, lambda record, chance: RUNS),
    Page("list, deep", 40, _deep),
    Page("list, four criteria", 100, _four_criteria),
    Page("list, JSON", 20, lambda record, chance: API),
    Page("list, JSON, deep", 20, _deep_json),
    Page("statistics, JSON", 100, lambda record, chance: f"{API}/statistics"),
    Page("run, JSON", 100, _run_json),
    Page("timeline", 300, lambda record, chance: f"{RUNS}timeline/"),
    Page("timeline, all", 500, lambda record, chance: f"{RUNS}timeline/?range=all"),
    Page("run", 100, _run),
    Page("scene", 100, _scene),
    Page("compare of 25", 100, _compare),
)
