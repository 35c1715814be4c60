"""File a run: one transaction, safe to repeat, safe beside others and beside the collector."""

from django.db import transaction

from history.failures.keeping import keep, occurrences_of
from history.filing.attempts import note_gpus, write_attempts
from history.filing.into import Filed, Into, Result
from history.filing.matching import match
from history.filing.policies import Policies
from history.filing.scenes import drop_untold, write_findings, write_reports, write_scenes
from history.imports.findings import Findings
from history.imports.json_text import packed
from history.imports.told import Found, ToldRun
from history.models import Attempt, Run, RunRevision, RunServer
from history.run_rows import drop_empty
from history.settling import note_servers, settle
from history.upsert import upsert
from history.words import Level, Origin
from telemetry.leases import hold_off

KEY = ("team", "source", "external_id")
FIRST = ("began_at", "touched_at")


def file_run(told: ToldRun, into: Into) -> Filed:
    """Put a run on record; the same content again changes nothing, another is a new revision."""
    with transaction.atomic():
        # Collectors wait: what they have in memory of these attempts would undo what is written.
        hold_off({into.team.pk})
        run, is_new = _locked(told, into)
        newest = RunRevision.objects.filter(run=run).order_by("-number").first()
        if newest is not None and newest.sha256 == told.sha256:
            return _filed(Result.UNCHANGED, run)
        findings = _write(told, run, into)
    return _filed(Result.CREATED if is_new else Result.REVISED, run, findings)


def _filed(result: Result, run: Run, findings: list[Found] | None = None) -> Filed:
    told = run.pk, run.source, run.external_id, run.revision, run.scene_count
    return Filed(result, *told, findings or [])


def _locked(told: ToldRun, into: Into) -> tuple[Run, bool]:
    """Return the run, locked, and whether it is new; of several who make it one does."""
    key = (into.team.pk, into.source_of(told.source), told.external_id)
    known = Run.objects.select_for_update().filter(**dict(zip(KEY, key, strict=True)))
    run = known.first()
    if run is None:
        row = (*key, told.began_at or into.at, into.at)
        upsert(Run, KEY, (*KEY, *FIRST), [row], kept=FIRST)
        run = known.get()
    return run, run.revision == 0


def _write(told: ToldRun, run: Run, into: Into) -> list[Found]:
    """Write the run's new revision; return its findings, those beside what was watched included."""
    findings, policies = Findings(), Policies(told, into)
    for name in ("story_id", "title", "submitter"):
        setattr(run, name, getattr(told, name) or getattr(run, name))
    pairs = [(scene, attempt) for scene in told.scenes for attempt in scene.attempts]
    matches = match(run, pairs, into, findings)
    scenes = write_scenes(told, run, into)
    dropped = occurrences_of(row.pk for row in matches.left if row.origin == Origin.FILE)
    write_attempts(pairs, matches, scenes, run, into, findings)
    note_gpus(matches, pairs, findings)
    drop_empty(matches.moved_from)
    drop_untold(run, told)
    write_reports(told, run, scenes, policies)
    found = [*told.findings, *findings.all()]
    _update(told, run, policies.pk(told.policy), found, into)
    _revise(told, run, into)
    write_findings(run, scenes, found)
    ids = [scene.pk for scene in scenes.values()]
    settle(ids)
    note_servers(ids)
    keep(Attempt.objects.filter(scene__run=run).values_list("pk", flat=True), dropped)
    run.refresh_from_db()
    return found


def _update(told: ToldRun, run: Run, policy: int | None, found: list[Found], into: Into) -> None:
    """Write what the run itself has of the file."""
    attempts = [attempt for scene in told.scenes for attempt in scene.attempts]
    watched = Attempt.objects.filter(scene__run=run).exclude(origin=Origin.FILE).exists()
    began_at = told.began_at or run.began_at
    run.began_at = min(began_at, run.began_at) if watched else began_at
    run.touched_at = max(run.touched_at, into.at)
    run.told_at, run.policy_id = told.told_at, policy
    run.archived_at = run.archived_at or told.archived_at
    run.revision += 1
    run.fallback_note_count = sum(len(attempt.notes) for attempt in attempts)
    run.forced_copy_count = sum(bool(a.script and a.script.forced_copy) for a in attempts)
    run.finding_count = len(found)
    run.error_count = sum(one.level is Level.ERROR for one in found)
    run.save()
    RunServer.objects.filter(run=run).update(began_at=run.began_at)


def _revise(told: ToldRun, run: Run, into: Into) -> None:
    RunRevision.objects.create(
        run=run,
        number=run.revision,
        sha256=told.sha256,
        kind=told.kind,
        name=into.name[-300:],
        size_bytes=into.size_bytes,
        at=into.at,
        user=into.user,
        document=packed(told.content),
    )
