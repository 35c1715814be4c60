"""With what the runs were made: a row for each setting, and which of them differ. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from history.baseline.fingerprint import Drivers
from history.compare.environments import (
    POINTS,
    at_the_time,
    knows_packs,
    points_of,
    without_others,
)
from history.compare.reading import Read
from history.models import Run, Scene
from history.run_page.policy import rows as policy_rows
from history.words import TIMER_LABELS, Timer
from telemetry.models import Environment
from telemetry.text import MISSING, number, plural

# More values of one run are counted.
SHOWN = 6
KNOBS = ("Retries per scene", "Longest wait", "History poll", "History polls", "After execution")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting; `cells` are (value, whether it differs from the base's) in the runs' order."""

    name: str
    cells: list[tuple[str, bool]]

    @property
    def differs(self) -> bool:
        """Say whether any run's differs."""
        return any(differs for _, differs in self.cells)

    @property
    def is_known(self) -> bool:
        """Say whether anybody told of it."""
        return any(value != MISSING for value, _ in self.cells)


def setting_rows(read: Read) -> list[SettingRow]:
    """Return the settings that are known of any of the runs."""
    runs = [
        {**_work(read, place), **_policy(run), **_environment(read, run)}
        for place, run in enumerate(read.runs)
    ]
    names = dict.fromkeys(name for settings in runs for name in settings)
    runs = [
        without_others(settings, names, packs_known=knows_packs(_in_force(read, run)))
        for settings, run in zip(runs, read.runs, strict=True)
    ]
    rows = [
        _row(name, [settings.get(name, MISSING) for settings in runs], read.base) for name in names
    ]
    return [row for row in rows if row.is_known]


def _row(name: str, values: list[str], base: int) -> SettingRow:
    """What is not known is no difference: the first that is stands in for a base that is not."""
    known = [values[base], *values]
    usual = next((value for value in known if value != MISSING), MISSING)
    return SettingRow(name, [(value, value not in (usual, MISSING)) for value in values])


def _work(read: Read, place: int) -> dict[str, str]:
    """Return what the scenes of a run asked for, and where they ran."""
    run, scenes = read.runs[place], read.scenes[place]
    told = [read.known[s.workload] for s in scenes if s.workload in read.known]
    return {
        "Story": run.story_id or MISSING,
        "Workload": _joined(one.workload[:8] for one in told if one.workload),
        **_drivers([one.drivers for one in told]),
        "Models": _joined(model.name for one in told for model in one.models),
        "Samplers": _joined(sampler for one in told for sampler in one.samplers),
        "Scenes": f"{run.scene_count:,}",
        "Servers": _joined(read.servers.get(run.pk, {}).values()),
        "GPU models": _joined(scene.gpu_model for scene in scenes if scene.gpu_model),
        "Timed": _joined(TIMER_LABELS[Timer(s.timed_by)] for s in scenes if s.timed_by),
        "Began cold": _cold(scenes),
    }


def _drivers(told: list[Drivers]) -> dict[str, str]:
    sizes = (
        f"{number(one.width)} × {number(one.height)}" for one in told if one.width and one.height
    )
    return {
        "Steps": _joined(number(one.steps) for one in told if one.steps is not None),
        "Size": _joined(sizes),
        "Frames": _joined(number(one.frames) for one in told if one.frames is not None),
        "Batch": _joined(number(one.batch) for one in told if one.batch is not None),
    }


def _cold(scenes: list[Scene]) -> str:
    known = [scene.warmth for scene in scenes if scene.warmth != "unknown"]
    return plural(known.count("cold"), "scene") if known else MISSING


def _policy(run: Run) -> dict[str, str]:
    told = policy_rows(run.policy) if run.policy else []
    return {f"Queue: {name.lower()}": value for name, value, _ in told if name in KNOBS}


def _environment(read: Read, run: Run) -> dict[str, str]:
    """Return what the run's servers ran on; packages and packs by their names, after the rest."""
    points = points_of(_in_force(read, run))
    packs = sorted(points.keys() - {name for name, _ in POINTS})
    return {name: _joined(points[name]) for name in [*(name for name, _ in POINTS), *packs]}


def _in_force(read: Read, run: Run) -> list[Environment]:
    """Return what the run's servers ran on while it ran."""
    return [
        environment
        for server in read.servers.get(run.pk, {})
        for environment in at_the_time(run, read.environments.get(server, []))
    ]


def _joined(values: Iterable[str]) -> str:
    """Return different values in their order, "–" for none."""
    told = sorted(set(values))
    more = [f"{len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return ", ".join([*told[:SHOWN], *more]) or MISSING
