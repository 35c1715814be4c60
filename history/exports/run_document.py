"""A run as our own export tells it (docs/imports.md): what reading the document gives back.

Only attempts that ended are told. What is for operators (prompts, tracebacks) is told to whoever
may have it: `secrets`. Graphs, documents and raw logs are not part of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, TypeVar

from django.db.models import Prefetch, QuerySet

from history.imports.own import FORMAT, VERSION, plain_of
from history.imports.told import (
    Found,
    ToldAttempt,
    ToldMemory,
    ToldNode,
    ToldNote,
    ToldPolicy,
    ToldRun,
    ToldRunReport,
    ToldScene,
    ToldSceneReport,
    ToldScript,
)
from history.models import Attempt, QueuePolicy, Run, Scene
from history.polls import unpack
from history.words import ExitReason, Level, Severity, Timer
from telemetry.words import Grade, Outcome, Status

T = TypeVar("T")

# What a document's classes have as words of ours, where the rows have text.
WORDS: dict[str, Any] = {
    "outcome": Outcome,
    "outcome_grade": Grade,
    "grade": Grade,
    "timed_by": Timer,
    "exit_reason": ExitReason,
    "severity": Severity,
    "level": Level,
}


def document_of(runs: Iterable[Run], secrets: bool) -> dict[str, Any]:
    """Return the export of runs as JSON types."""
    told = [plain_of(run_of(run, secrets)) for run in runs]
    return {"format": FORMAT, "version": VERSION, "runs": told}


def loaded(runs: "QuerySet[Run]") -> "QuerySet[Run]":
    """Return runs with all that an export tells of them: a query a table, however many runs."""
    ended = Attempt.objects.filter(status=Status.ENDED).order_by("pk")
    attempts = ended.select_related("server", "script_report", "poll_log").prefetch_related(
        "memory", "nodes", "fallback_notes"
    )
    scenes = Scene.objects.select_related("report__policy").order_by("pk")
    scenes = scenes.prefetch_related(Prefetch("attempts", attempts))
    return runs.select_related("policy", "report").prefetch_related(
        Prefetch("scenes", scenes), "findings__scene"
    )


def run_of(run: Run, secrets: bool) -> ToldRun:
    """Return what is on record of a run that was loaded by `loaded`."""
    findings = [
        _told(Found, one, scene=one.scene.external_id if one.scene else None)
        for one in run.findings.all()
    ]
    return _told(
        ToldRun,
        run,
        kind="",
        sha256="",
        content=None,
        policy=_policy(run.policy),
        report=_told(ToldRunReport, run.report) if hasattr(run, "report") else ToldRunReport(),
        scenes=[_scene(scene, secrets) for scene in run.scenes.all()],
        findings=findings,
    )


def _told(kind: type[T], row: Any, /, **others: Any) -> T:
    """Return the row's columns that are named like fields of the kind, and the others."""
    names = [one.name for one in fields(kind) if one.name not in others]  # type: ignore[arg-type]
    return kind(**{name: _word(name, getattr(row, name)) for name in names}, **others)


def _word(name: str, value: Any) -> Any:
    return WORDS[name](value) if name in WORDS and value is not None else value


def _policy(policy: QueuePolicy | None) -> ToldPolicy | None:
    return None if policy is None else _told(ToldPolicy, policy)


def _scene(scene: Scene, secrets: bool) -> ToldScene:
    attempts = [_attempt(attempt, secrets) for attempt in scene.attempts.all()]
    report = getattr(scene, "report", None)
    hidden = {} if secrets else {"prompt": None, "negative_prompt": None}
    told = ToldSceneReport() if report is None else _told(ToldSceneReport, report, **hidden)
    return _told(
        ToldScene,
        scene,
        # Where there are attempts it follows from them.
        outcome=None if attempts or scene.outcome is None else Outcome(scene.outcome),
        policy=_policy(report.policy) if report is not None else None,
        report=told,
        attempts=attempts,
    )


def _attempt(row: Attempt, secrets: bool) -> ToldAttempt:
    script = getattr(row, "script_report", None)
    # A server that this site does not have is kept by the name that the file gave it.
    named = script.more.get("server") if script is not None else None
    log = getattr(row, "poll_log", None)
    return _told(
        ToldAttempt,
        row,
        server=row.server.name if row.server else named,
        script=None if script is None else _script(script),
        polls=None if log is None else unpack(bytes(log.packed)),
        memory=list(_each(ToldMemory, row.memory.all())),
        nodes=list(_each(ToldNode, row.nodes.all())),
        notes=list(_each(ToldNote, row.fallback_notes.all())),
        **({} if secrets else {"traceback": None}),
    )


def _script(row: Any) -> ToldScript:
    more = {key: value for key, value in row.more.items() if key != "server"}
    # It is our word where an attempt has it, the script's own here.
    names = [one.name for one in fields(ToldScript) if one.name != "more"]
    return ToldScript(**{name: getattr(row, name) for name in names}, more=more)


def _each(kind: type[T], rows: Iterable[Any]) -> Iterator[T]:
    for row in rows:
        yield _told(kind, row)
