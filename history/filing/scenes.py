"""The scenes of a filed run, what is told beside their attempts, and what was found."""

from history.filing.into import Into
from history.filing.policies import Policies
from history.filing.values import attributes_of, names_of, values_of
from history.imports.told import Found, ToldRun, ToldRunReport, ToldScene, ToldSceneReport
from history.models import Finding, Run, RunReport, Scene, SceneReport
from history.upsert import insert, insert_numbered, upsert

# What a file tells of a scene itself; the rest follows from its attempts.
TOLD = ("title", "frame_floor", "history_polls", "exit_reason", "gpu_model")
RESET = ("outcome", "attempt_count", "open_count")
NEW = ("team", "run", "external_id", *TOLD, *RESET)
NEW_READ = ("team_id", "run_id", *NEW[2:])
REPORT = ("scene", "policy", *names_of(ToldSceneReport))
RUN_REPORT = ("run", *names_of(ToldRunReport))
FINDING = ("run", "scene", "place", "code", "level", "path", "message")


def scenes_of(run: Run) -> dict[str, Scene]:
    """Return the scenes that a run has on record, by external id."""
    return {row.external_id: row for row in Scene.objects.filter(run=run)}


def write_scenes(told: ToldRun, run: Run, into: Into, known: dict[str, Scene]) -> dict[str, Scene]:
    """Write the scenes that are told beside those on record; return them by external id."""
    rows = {}
    for scene in told.scenes:
        name = scene.external_id
        row = known.get(name) or Scene(external_id=name, run=run, team=into.team)
        rows[name] = _take(row, scene)
    new = [row for row in rows.values() if row.pk is None]
    ids = insert_numbered(Scene, NEW, (attributes_of(row, NEW_READ) for row in new))
    for row, pk in zip(new, ids, strict=True):
        row.pk = pk
    old = [row for name, row in rows.items() if name in known]
    if old:
        Scene.objects.bulk_update(old, [*TOLD, *RESET], batch_size=200)
    return rows


def _take(row: Scene, told: ToldScene) -> Scene:
    for name in TOLD:
        value = getattr(told, name)
        if value is not None:
            setattr(row, name, value)
    # Those with attempts are settled after these.
    row.outcome, row.attempt_count, row.open_count = told.outcome, 0, 0
    return row


def write_reports(told: ToldRun, run: Run, scenes: dict[str, Scene], policies: Policies) -> None:
    """Write what is told of the run and its scenes beside their attempts."""
    if run.revision:
        SceneReport.objects.filter(scene__run=run).delete()
    rows = (
        (scenes[one.external_id].pk, policies.pk(one.policy), *values_of(one.report))
        for one in told.scenes
    )
    insert(SceneReport, REPORT, rows)
    upsert(RunReport, RUN_REPORT[:1], RUN_REPORT, [(run.pk, *values_of(told.report))])


def drop_untold(known: dict[str, Scene], told: dict[str, Scene]) -> None:
    """Delete the scenes that an older file told of, this one does not, and nobody watched."""
    untold = [row.pk for name, row in known.items() if name not in told]
    empty = Scene.objects.filter(pk__in=untold, attempts=None)
    ids = list(empty.values_list("pk", flat=True)) if untold else []
    if ids:
        Finding.objects.filter(scene__in=ids).delete()
        Scene.objects.filter(pk__in=ids).delete()


def write_findings(run: Run, scenes: dict[str, Scene], found: list[Found]) -> None:
    """Write the findings in place of those of the revision before."""
    if run.revision > 1:
        Finding.objects.filter(run=run).delete()
    ids = {name: row.pk for name, row in scenes.items()}
    rows = (
        (run.pk, ids.get(one.scene or ""), place, one.code, one.level, one.path, one.message)
        for place, one in enumerate(found)
    )
    insert(Finding, FINDING, rows)
