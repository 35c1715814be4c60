"""What files told of a run beyond what the record reckons with: its story, how that came about.

Paths and addresses are for operators: those of a submitter's machine, and of inner networks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from history.free_values import amount_of, moment_of, objects_of
from history.models import Run, RunReport
from telemetry.text import MISSING, NBSP, duration

# A document may hold much that nobody reads; what is beyond stands in the file.
MOST = 60
LONGEST = 2_000
BLOCKS = (
    ("story", "Story"),
    ("llm", "Text model"),
    ("health_check", "Health check"),
    ("tests", "Tests"),
    ("helpers", "Helper scripts"),
)
PRIVATE = {
    *("file", "folder", "run_folder", "log", "logs", "summary"),
    *("url", "provider_url", "override"),
}
NAMES = {
    "comfy_exit": "ComfyUI tests",
    "e2e_exit": "End-to-end tests",
    "scripts_exit": "Script tests",
    "comfyui_status": "ComfyUI status",
}
NOT_REPORTED = "not reported"

Value = str | datetime


@dataclass(frozen=True, slots=True)
class Suite:
    """A test suite; `tone` and `icon` say what `result` does: passed, failed, or not reported."""

    name: str
    result: str
    tone: str
    icon: str
    took: str
    started_at: datetime | None
    log: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one subject, as name and value; of tests the suites, too."""

    title: str
    lines: list[tuple[str, Value]]
    suites: list[Suite] = field(default_factory=list)


def told_of(run: Run, is_operator: bool) -> list[Block]:
    """Return what files told of a run, one query where a file did; paths are for operators."""
    report = RunReport.objects.filter(run=run).first() if run.revision else None
    if report is None:
        return []
    subjects = (*BLOCKS, ("paths", "Paths")) if is_operator else BLOCKS
    blocks = [_block(name, title, getattr(report, name), is_operator) for name, title in subjects]
    warnings: list[tuple[str, Value]] = [("", str(one)[:LONGEST]) for one in report.warnings[:MOST]]
    return [one for one in (*blocks, Block("Warnings", warnings)) if one.lines or one.suites]


def _block(name: str, title: str, told: dict[str, Any], is_operator: bool) -> Block:
    rest = {key: value for key, value in told.items() if key != "suites"}
    lines = [line for key, value in rest.items() for line in _flat(key, value, is_operator)][:MOST]
    suites = told.get("suites") if name == "tests" else None
    return Block(title, lines, [_suite(one, is_operator) for one in objects_of(suites)])


def _suite(told: dict[str, Any], is_operator: bool) -> Suite:
    code = amount_of(told.get("exit_code"))
    tone, icon = ("", "s-info") if code is None else ("bad", "s-failed") if code else OK
    took = amount_of(told.get("duration_ms"))
    return Suite(
        str(told.get("suite") or "unnamed")[:LONGEST],
        _result(code),
        tone,
        icon,
        MISSING if took is None else duration(took / 1000),
        moment_of(told.get("started_at")),
        str(told.get("log") or "")[:LONGEST] if is_operator else "",
    )


OK = ("ok", "s-completed")


def _result(code: float | None) -> str:
    """Return what an exit code says: 0 is the only good one."""
    return NOT_REPORTED if code is None else f"{'failed' if code else 'passed'}, exit {code:g}"


def _flat(key: str, value: Any, is_operator: bool, above: str = "") -> Iterator[tuple[str, Value]]:
    """Yield a value as lines; what is below it stands behind its name."""
    label = f"{above}, {_name(key)}" if above else _name(key)
    if value is None or value in ("", [], {}) or (key in PRIVATE and not is_operator):
        return
    if key == "devices" and isinstance(value, list):
        devices = enumerate(objects_of(value))
        yield from ((f"{above or label}, GPU {n}", _device(one)) for n, one in devices)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _flat(name, one, is_operator, label)
    elif isinstance(value, list):
        yield label, ", ".join(str(one) for one in value)[:LONGEST]
    else:
        yield label, _text(key, value)


def _device(told: dict[str, Any]) -> str:
    """Return a GPU as a helper saw it; memory that it could not read is not reported."""
    total, free = amount_of(told.get("total_mb")), amount_of(told.get("free_mb"))
    memory = f"memory {NOT_REPORTED}"
    if total is not None:
        left = f", {free:,.0f}{NBSP}MB free" if free is not None else ""
        memory = f"{total:,.0f}{NBSP}MB{left}"
    return f"{told.get('name') or 'unnamed'}: {memory}"[:LONGEST]


def _name(key: str) -> str:
    plain = key.removesuffix("_s").removesuffix("_ms").removesuffix("_at").replace("_", " ")
    return NAMES.get(key, plain)


def _text(key: str, value: Any) -> Value:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key.endswith("_exit") and amount_of(value) is not None:
        return _result(value)
    if amount_of(value) is not None:
        is_time = key.endswith("_s")
        return duration(value) if is_time else _ms(value) if key.endswith("_ms") else f"{value:g}"
    at = moment_of(value) if key.endswith("_at") else None
    return at or str(value)[:LONGEST]


def _ms(value: float) -> str:
    """Return milliseconds as such below a second, else as a duration."""
    return f"{value:g} ms" if value < 1000 else duration(value / 1000)
