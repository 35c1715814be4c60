"""The scenes of a filed run, what is told beside their attempts, and what was found."""

from history.filing.details import columns_of
from history.filing.into import Into
from history.filing.policies import Policies
from history.imports.told import Found, ToldRun, ToldScene
from history.models import Finding, Run, RunReport, Scene, SceneReport

# What a file tells of a scene itself; the rest follows from its attempts.
TOLD = ("title", "frame_floor", "history_polls", "exit_reason", "gpu_model")
RESET = ("outcome", "attempt_count", "open_count")


def write_scenes(told: ToldRun, run: Run, into: Into) -> dict[str, Scene]:
    """Write the scenes that are told; return them by external id."""
    known = {row.external_id: row for row in Scene.objects.filter(run=run)}
    rows = {}
    for scene in told.scenes:
        name = scene.external_id
        row = known.get(name) or Scene(external_id=name, run=run, team=into.team)
        rows[name] = _take(row, scene)
    Scene.objects.bulk_create([row for row in rows.values() if row.pk is None])
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
    SceneReport.objects.bulk_create(
        SceneReport(
            scene=scenes[scene.external_id],
            policy_id=policies.pk(scene.policy),
            **columns_of(scene.report),
        )
        for scene in told.scenes
    )
    RunReport.objects.update_or_create(run=run, defaults=columns_of(told.report))


def drop_untold(run: Run, told: ToldRun) -> None:
    """Delete the scenes that an older file told of, this one does not, and nobody watched."""
    names = {scene.external_id for scene in told.scenes}
    empty = Scene.objects.filter(run=run, attempts=None).exclude(external_id__in=names)
    ids = list(empty.values_list("pk", flat=True))
    if ids:
        Finding.objects.filter(scene__in=ids).delete()
        Scene.objects.filter(pk__in=ids).delete()


def write_findings(run: Run, scenes: dict[str, Scene], found: list[Found]) -> None:
    """Write the findings in place of those of the revision before."""
    if run.revision > 1:
        Finding.objects.filter(run=run).delete()
    Finding.objects.bulk_create(
        Finding(
            run=run,
            scene=scenes.get(one.scene or ""),
            place=place,
            code=one.code,
            level=one.level,
            path=one.path,
            message=one.message,
        )
        for place, one in enumerate(found)
    )
