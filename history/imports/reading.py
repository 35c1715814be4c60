"""The door: bytes of any kind of file we know in, the runs that they tell out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.imports import json_text, metadata, own, table
from history.imports.beside import take_beside, value_of
from history.imports.crosscheck import hold_together
from history.imports.errors import NotARun, Unreadable
from history.imports.fields import Fields, Reading, key_of
from history.imports.findings import Findings
from history.imports.requeues import take_requeues
from history.imports.summary import is_summary, summary_of
from history.imports.summary_run import of_summary, run_of_summary
from history.imports.times import zone_of
from history.imports.told import ToldRun

POLL_LOG = key_of("HistoryPollLog")


@dataclass(frozen=True, slots=True)
class File:
    """A file, the summary that lies beside it, if one does, and what else does, by name."""

    name: str
    data: bytes
    summary: bytes | None = None
    beside: tuple[tuple[str, bytes], ...] = ()


def read(file: File, at: datetime) -> list[ToldRun]:
    """Return the runs that a file tells as of a time; raises Unreadable, NotARun among them."""
    text, known = json_text.text_of(file.data)
    if not text.strip():
        raise Unreadable("It is empty", 1, 1)
    findings = Findings()
    if not known:
        findings.add("not_utf8", "", "It is not UTF-8; taken as the code page of Windows.")
    if is_summary(text):
        return [_summary_alone(text, Reading(findings, at))]
    if table.is_table(text):
        return _table(text, Reading(findings, at))
    value = json_text.json_of(text)
    if own.is_own(value):
        return [_known(run, [], content) for run, content in own.runs_of_own(value)]
    return [_metadata(value, file, findings, at)]


def _metadata(value: Any, file: File, findings: Findings, at: datetime) -> ToldRun:
    if not isinstance(value, dict):
        raise NotARun("No run is told there: it is no object", 1, 1)
    zone = zone_of(value.get("Timestamp"))
    root = Fields(value, "", metadata.reading_of(Reading(findings, at, zone)))
    run = metadata.run_of(root)
    if any(scene.report.frames_assumed for scene in run.scenes):
        run.kind = "artifact-metadata-2"
    beside = _beside(file, root.reading)
    take_beside(run.report, beside, root.reading)
    content: Any = {"metadata": value, "beside": beside} if beside else value
    if file.summary is not None:
        text, _ = json_text.text_of(file.summary)
        summary = summary_of(text)
        take_requeues(run, summary)
        hold_together(run, summary, findings)
        content = {"metadata": value, "summary": text, **({"beside": beside} if beside else {})}
    sha256 = _digest(content)
    kept = _without_polls(value)
    run = _known(run, findings.all(), kept if content is value else {**content, "metadata": kept})
    return _identified(run, sha256)


def _beside(file: File, reading: Reading) -> dict[str, Any]:
    """Return what the files beside metadata hold, by their names."""
    values = {name: value_of(name, data, reading) for name, data in file.beside}
    return {name: value for name, value in values.items() if value is not None}


def _summary_alone(text: str, reading: Reading) -> ToldRun:
    summary = summary_of(text)
    run = run_of_summary(summary, reading)
    take_requeues(run, summary)
    run = _known(run, of_summary(reading.findings.all()), {"summary": text})
    return _identified(run, _digest(text))


def _table(text: str, reading: Reading) -> list[ToldRun]:
    first = reading.findings.all()
    return [
        _identified(_known(run, [*first, *of_summary(own.all())], rows), _digest(rows))
        for run, own, rows in table.runs_of_table(text, reading)
    ]


def _known(run: ToldRun, findings: Any, content: Any) -> ToldRun:
    """Complete a run by what was found and read; our own export brings its findings."""
    run.findings = findings or run.findings
    run.content = content
    run.sha256 = _digest(content)
    return run


def _identified(run: ToldRun, sha256: str) -> ToldRun:
    """Complete a run by the digest of all of its content, and an id where it has none."""
    run.sha256 = sha256
    run.external_id = run.external_id or f"sha256-{sha256[:16]}"
    return run


def _digest(content: Any) -> str:
    try:
        return json_text.digest(content)
    except RecursionError:
        raise Unreadable("It is nested too deeply") from None


def _without_polls(value: dict[str, Any]) -> dict[str, Any]:
    """Return metadata without poll logs: those are kept packed, and are most of a file."""
    return {
        name: _thinned(below) if key_of(name) == "scenes" else below
        for name, below in value.items()
    }


def _thinned(scenes: Any) -> Any:
    if isinstance(scenes, list):
        return [_thinned(scene) for scene in scenes]
    if isinstance(scenes, dict):
        return {key: value for key, value in scenes.items() if key_of(key) != POLL_LOG}
    return scenes
