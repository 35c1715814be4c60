"""File a run: one transaction, safe to repeat, safe beside others and beside the collector."""

from django.db import transaction

from history.deletion import come_back
from history.failures.keeping import keep, occurrences_of
from history.failures.told import may_be_failure
from history.filing.attempts import note_gpus, write_attempts
from history.filing.into import Filed, Into, Result
from history.filing.matching import match
from history.filing.policies import Policies
from history.filing.scenes import (
    drop_untold,
    scenes_of,
    write_findings,
    write_reports,
    write_scenes,
)
from history.imports.findings import Findings
from history.imports.json_text import packed
from history.imports.told import Found, ToldRun
from history.models import Attempt, Run, RunRevision, RunServer
from history.run_rows import drop_empty
from history.settling import note_servers, settle
from history.upsert import insert, upsert
from history.words import Level, Origin
from telemetry.leases import hold_off
from telemetry.models import Team

KEY = ("team", "source", "external_id")
FIRST = ("began_at", "touched_at")
REVISION = ("run", "number", "sha256", "kind", "name", "size_bytes", "at", "user", "document")


def file_run(told: ToldRun, into: Into) -> Filed:
    """Put a run on record; the same content again changes nothing, another is a new revision."""
    with transaction.atomic():
        _wait_for_others(into)
        # Collectors wait: what they have in memory of these attempts would undo what is written.
        hold_off({into.team.pk})
        run, is_new = _locked(told, into)
        if not is_new and _newest(run) == told.sha256:
            return _filed(Result.UNCHANGED, run)
        findings = _write(told, run, into)
    return _filed(Result.CREATED if is_new else Result.REVISED, run, findings)


def _filed(result: Result, run: Run, findings: list[Found] | None = None) -> Filed:
    told = run.pk, run.source, run.external_id, run.revision, run.scene_count
    return Filed(result, *told, findings or [])


def _wait_for_others(into: Into) -> None:
    """File one run of a team at a time: two may name the same prompt, which is one attempt.

    Leases would do as well, but a server that nobody follows has none.
    """
    list(Team.objects.select_for_update(no_key=True).filter(pk=into.team.pk).values_list("pk"))


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


def _newest(run: Run) -> str | None:
    """Return the digest of the revision in force."""
    revisions = RunRevision.objects.filter(run=run).order_by("-number")
    return revisions.values_list("sha256", flat=True).first()


def _write(told: ToldRun, run: Run, into: Into) -> list[Found]:
    """Write the run's new revision; return its findings, those beside what was watched included."""
    findings, policies = Findings(), Policies(told, into)
    for name in ("story_id", "title", "submitter"):
        setattr(run, name, getattr(told, name) or getattr(run, name))
    pairs = [(scene, attempt) for scene in told.scenes for attempt in scene.attempts]
    known = scenes_of(run)
    matches = match(run, pairs, into, findings, is_empty=not known)
    scenes = write_scenes(told, run, into, known)
    dropped = occurrences_of(row.pk for row in matches.left if row.origin == Origin.FILE)
    attempts = write_attempts(pairs, matches, scenes, run, into, findings)
    note_gpus(matches, pairs, findings)
    drop_empty(matches.moved_from)
    drop_untold(known, scenes)
    write_reports(told, run, scenes, policies)
    found = [*told.findings, *findings.all()]
    _update(told, run, attempts, policies.pk(told.policy), found, into)
    _revise(told, run, into)
    write_findings(run, scenes, found)
    ids = [scene.pk for scene in scenes.values()]
    settle(ids)
    if any(row.server_id for row in attempts):
        note_servers(ids)
    # Of what is new only failures are counted; what was there may have been counted before.
    keep((row.pk for row in attempts if known or _is_counted(row)), dropped)
    run.refresh_from_db(fields=["scene_count"])
    return found


def _is_counted(row: Attempt) -> bool:
    """Say whether an attempt of a new run is, or was elsewhere, counted among failures."""
    return row.origin != Origin.FILE or may_be_failure(row)


def _update(
    told: ToldRun,
    run: Run,
    attempts: list[Attempt],
    policy: int | None,
    found: list[Found],
    into: Into,
) -> None:
    """Write what the run itself has of the file."""
    ours = [attempt for scene in told.scenes for attempt in scene.attempts]
    watched = any(row.origin != Origin.FILE for row in attempts)
    before, began_at = run.began_at, told.began_at or run.began_at
    run.began_at = min(began_at, before) if watched else began_at
    run.touched_at = max(run.touched_at, into.at)
    run.told_at, run.policy_id = told.told_at, policy
    run.archived_at = run.archived_at or told.archived_at
    run.revision += 1
    run.fallback_note_count = sum(len(attempt.notes) for attempt in ours)
    run.forced_copy_count = sum(bool(a.script and a.script.forced_copy) for a in ours)
    run.finding_count = len(found)
    run.error_count = sum(one.level is Level.ERROR for one in found)
    run.save()
    if run.began_at != before:
        RunServer.objects.filter(run=run).update(began_at=run.began_at)
    if run.deleted_at is not None:
        come_back([run.pk], into.at, "a file told something else of it")


def _revise(told: ToldRun, run: Run, into: Into) -> None:
    names = run.pk, run.revision, told.sha256, told.kind, into.name[-300:]
    user = into.user.pk if into.user is not None else None
    row = (*names, into.size_bytes, into.at, user, packed(told.content))
    insert(RunRevision, REVISION, [row])
