"""What files told of a run beyond what the record reckons with: its story, how that came about."""

from dataclasses import dataclass
from typing import Any

from history.models import Run, RunReport
from telemetry.text import duration

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


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one subject, as name and value."""

    title: str
    lines: list[tuple[str, str]]


def told_of(run: Run, is_operator: bool) -> list[Block]:
    """Return what files told of a run, one query where a file did; paths are for operators."""
    report = RunReport.objects.filter(run=run).first() if run.revision else None
    if report is None:
        return []
    subjects = (*BLOCKS, ("paths", "Paths")) if is_operator else BLOCKS
    blocks = [Block(title, _lines(getattr(report, name))) for name, title in subjects]
    warnings = [("", str(warning)[:LONGEST]) for warning in report.warnings[:MOST]]
    return [block for block in (*blocks, Block("Warnings", warnings)) if block.lines]


def _lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [line for key, value in told.items() for line in _flat(_name(key), key, value)][:MOST]


def _flat(label: str, key: str, value: Any) -> list[tuple[str, str]]:
    """Return a value as lines; what is below it stands behind its name."""
    if isinstance(value, dict):
        below = [(f"{label}, {_name(name)}", name, one) for name, one in value.items()]
        return [line for one in below for line in _flat(*one)]
    if value is None or value in ("", []):
        return []
    if isinstance(value, list):
        return [(label, ", ".join(str(one) for one in value)[:LONGEST])]
    return [(label, _text(key, value))]


def _name(key: str) -> str:
    return key.removesuffix("_s").removesuffix("_ms").replace("_", " ")


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        is_time = key.endswith("_s")
        return (
            duration(value) if is_time else f"{value:g} ms" if key.endswith("_ms") else f"{value:g}"
        )
    return str(value)[:LONGEST]
