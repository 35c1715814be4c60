"""Scenes of several runs, row by row. Pure.

Scenes are aligned by name. A run that shares no name with any other (single prompts, renamed
scenes) is aligned by the place of its scenes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from history.models import Scene


@dataclass(frozen=True, slots=True)
class Row:
    """A scene of each run, None where a run has none; in the order of the runs."""

    scenes: tuple[Scene | None, ...]

    @property
    def place(self) -> int | None:
        """Return at which place of a run the scene is: the first, where runs differ."""
        known = [s.position for s in self.scenes if s is not None and s.position is not None]
        return min(known, default=None)

    @property
    def first(self) -> Scene:
        """Return the first run's that has it."""
        return next(scene for scene in self.scenes if scene is not None)


def rows_of(runs: Sequence[Sequence[Scene]]) -> list[Row]:
    """Return the scenes of runs, each in its order, as rows."""
    shared = Counter(name for scenes in runs for name in {s.external_id for s in scenes})
    by_name = [any(shared[scene.external_id] > 1 for scene in scenes) for scenes in runs]
    places: dict[str, int] = {}
    for scenes, named in zip(runs, by_name, strict=True):
        for place, scene in enumerate(scenes if named else ()):
            places[scene.external_id] = min(place, places.get(scene.external_id, place))
    ordered = sorted(places, key=lambda name: (places[name], name))
    order = {name: number for number, name in enumerate(ordered)}
    cells = [
        {(order[s.external_id] if named else place): s for place, s in enumerate(scenes)}
        for scenes, named in zip(runs, by_name, strict=True)
    ]
    count = max([len(order), *(len(scenes) for scenes in runs)], default=0)
    found = [Row(tuple(one.get(number) for one in cells)) for number in range(count)]
    return [row for row in found if any(row.scenes)]
