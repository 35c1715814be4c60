"""Attempts as files tell them: new rows, and what a file adds to watched ones."""

from history.filing.details import drop_attempts, write_details
from history.filing.into import Into
from history.filing.matching import Matches, Told
from history.filing.values import attributes_of
from history.filling import told_workload
from history.imports.findings import Findings
from history.imports.told import ToldAttempt, ToldScene, ToldScript
from history.models import Attempt, Run, Scene
from history.upsert import insert_numbered
from history.words import Origin
from telemetry.models import Device, Server
from telemetry.words import Grade, Outcome, Status

# What a prompt is one attempt by.
Key = tuple[int, str, int]
# A script's duration holds all of ComfyUI's, so it is longer, if their clocks agree.
LONGER_S = 1.0
# What a watched attempt takes from a file where ComfyUI told nothing.
ADDED = ("attempt_number", "client_id", "submitter", "workload", "error_type", "error_message")
# What an attempt has of its own beside what is told.
TOLD = (
    *("attempt_number", "repeat", "number", "client_id", "submitter", "workload", "node_count"),
    *("extra_data", "outcome", "reason", "found_later", "submitted_at", "started_at", "ended_at"),
    *("waited_s", "duration_s", "timed_by", "cached_nodes", "frames", "error_type"),
    *("error_message", "error_node", "error_node_type", "traceback", "prompt_id"),
)
FILED = (*TOLD, "scene", "server", "origin", "status", "outcome_grade", "seen_at")
FILED_READ = tuple({"scene": "scene_id", "server": "server_id"}.get(name, name) for name in FILED)
RECONCILED = (
    *("scene", "origin", "frames", *ADDED),
    *("outcome", "outcome_grade", "ended_at", "duration_s", "timed_by"),
)


def write_attempts(
    told: list[Told],
    matches: Matches,
    scenes: dict[str, Scene],
    run: Run,
    into: Into,
    findings: Findings,
) -> list[Attempt]:
    """Write attempts: those that only files told of are as this one says, others are completed.

    Returns all that the run has now.
    """
    rows: list[Attempt] = []
    new: list[Attempt] = []
    filed_before: list[Attempt] = []
    watched: list[Attempt] = []
    elsewhere = _elsewhere(told, matches, into)
    for place, (of, attempt) in enumerate(told):
        row, scene = matches.by_place.get(place), scenes[of.external_id]
        if row is not None and row.origin != Origin.FILE:
            row = reconciled(attempt, row, scene, of, findings)
            watched.append(row)
        else:
            server = matches.servers.get(attempt.server or "") or into.server
            if server is not None and attempt.prompt_id:
                server = _unless_taken(attempt, server, elsewhere)
            if server is None and attempt.server:
                _keep_name(attempt)
            row = filed(attempt, row, scene, run, server)
            row.workload = row.workload or told_workload(scene, len(scenes))
            (filed_before if row.pk else new).append(row)
        rows.append(row)
    _drop_left(matches, findings)
    ids = insert_numbered(Attempt, FILED, (attributes_of(row, FILED_READ) for row in new))
    for row, pk in zip(new, ids, strict=True):
        row.pk = pk
    for known, names in ((filed_before, FILED), (watched, RECONCILED)):
        if known:
            Attempt.objects.bulk_update(known, names, batch_size=200)
    pairs = [(row, attempt) for row, (_, attempt) in zip(rows, told, strict=True)]
    write_details(pairs, run, into.at, {row.pk for row in (*filed_before, *watched)})
    return [*rows, *(row for row in matches.left if row.origin != Origin.FILE)]


def _elsewhere(told: list[Told], matches: Matches, into: Into) -> set[Key]:
    """Return the prompts on record that are other attempts than those that only files told of."""
    ids = {attempt.prompt_id for _, attempt in told if attempt.prompt_id}
    if not ids:
        return set()
    ours = [*matches.by_place.values(), *matches.left]
    filed = {row.pk for row in ours if row.origin == Origin.FILE}
    rows = Attempt.objects.filter(server__team=into.team, prompt_id__in=ids).exclude(pk__in=filed)
    return set(rows.values_list("server", "prompt_id", "repeat"))


def _unless_taken(told: ToldAttempt, server: Server, taken: set[Key]) -> Server | None:
    """Return the server but for a prompt of it that is another attempt already: that is one row."""
    key = (server.pk, told.prompt_id, told.repeat)
    if key in taken:
        told.server = told.server or server.name
        return None
    taken.add(key)
    return server


def _keep_name(told: ToldAttempt) -> None:
    """Keep the name of a server that the team does not have."""
    told.script = told.script or ToldScript()
    told.script.more = {**told.script.more, "server": told.server}


def _drop_left(matches: Matches, findings: Findings) -> None:
    """Delete what an older file told and this one does not; note what was watched beside it."""
    drop_attempts([row.pk for row in matches.left if row.origin == Origin.FILE])
    for row in matches.left:
        if row.origin != Origin.FILE:
            findings.scene = row.scene.external_id
            findings.add("live_attempts", findings.scene, "More was watched than the file tells.")
    findings.scene = None


def filed(
    told: ToldAttempt, row: Attempt | None, scene: Scene, run: Run, server: Server | None
) -> Attempt:
    """Return the row of an attempt that only files told of: `row` where an older one did."""
    row = row or Attempt()
    for name in TOLD:
        setattr(row, name, getattr(told, name))
    row.scene, row.server, row.origin, row.status = scene, server, Origin.FILE, Status.ENDED
    row.outcome_grade = told.outcome_grade or (Grade.POLLED if told.outcome else None)
    row.seen_at = told.submitted_at or told.ended_at or run.began_at
    return row


def reconciled(
    told: ToldAttempt, row: Attempt, scene: Scene, of: ToldScene, findings: Findings
) -> Attempt:
    """Return a watched attempt with what the file adds; notes where the two differ.

    ComfyUI's word stands, but for one that nobody saw the end of: there the file knows more.
    """
    findings.scene = of.external_id
    row.scene, row.origin, row.frames = scene, Origin.BOTH, told.frames
    for name in ADDED:
        if getattr(row, name) is None:
            setattr(row, name, getattr(told, name))
    if row.outcome == Outcome.LOST and told.outcome is not None:
        row.outcome, row.outcome_grade = told.outcome, Grade.POLLED
        row.ended_at = told.ended_at or row.ended_at
        row.duration_s, row.timed_by = told.duration_s, told.timed_by
    elif row.status == Status.ENDED:
        _compare(told, row, of, findings)
    findings.scene = None
    return row


def _compare(told: ToldAttempt, row: Attempt, of: ToldScene, findings: Findings) -> None:
    path = f"prompt {row.prompt_id[:60]}"
    ours = _with_frames(row, of.frame_floor)
    if None not in (ours, told.outcome) and ours != told.outcome:
        findings.add("live_outcome", path, f"The file says {told.outcome}, ComfyUI {ours}.")
    if row.duration_s and told.duration_s and row.duration_s > told.duration_s + LONGER_S:
        said = f"{told.duration_s:g} s, but ComfyUI worked {row.duration_s:.1f} s."
        findings.add("live_duration", path, said)


def _with_frames(row: Attempt, floor: int | None) -> str | None:
    """Return how an attempt ended in view of its frames, as history/settling.py has it."""
    if row.outcome != Outcome.SUCCESS or row.frames is None or row.frames >= (floor or 0):
        return row.outcome
    return Outcome.PARTIAL if row.frames else Outcome.FAILED


def note_gpus(matches: Matches, pairs: list[Told], findings: Findings) -> None:
    """Note scenes that were watched on another GPU than the file names."""
    at = {place: row.server_id for place, row in matches.by_place.items() if row.server_id}
    cards = Device.objects.filter(server__in=set(at.values())).exclude(kind="cpu") if at else ()
    models = {card.server_id: card.model for card in sorted(cards, key=lambda one: -one.index)}
    for place, server in at.items():
        scene, ours = pairs[place][0], models.get(server)
        if scene.gpu_model and ours and scene.gpu_model != ours:
            findings.scene = scene.external_id
            findings.add("live_gpu", "Telemetry.GPU", f"{scene.gpu_model}; watched on {ours}.")
    findings.scene = None
