"""The scenes of all runs, a cell for each: plain values, for they are many. Pure."""

from dataclasses import dataclass

from history.compare.align import Row
from history.compare.heads import scene_status
from history.compare.likeness import WORDS
from history.compare.pairs import Cell, Compared
from history.compare.reading import Read
from history.judged.words import percent
from history.models import Scene
from history.run_page.scenes import LABELS
from telemetry.readable import Readable
from telemetry.text import MISSING, duration
from telemetry.words import OUTCOME_LABELS, Outcome

WRONG = frozenset({"failed", "timeout", "lost", "partial"})
# status, label, took, GPU, hit, icon, amount, tone, words
Plain = tuple[str, str, str, str, bool, str, str, str, str]
EMPTY: Plain = ("", "", MISSING, "", False, "", "", "", "")


@dataclass(frozen=True, slots=True)
class SceneRow(Readable):
    """A scene; `place` is its number, `differs` says whether a run's is worth a look."""

    place: int
    name: str
    title: str
    cells: list[Plain]
    differs: bool


def scene_rows(read: Read, compared: Compared) -> list[SceneRow]:
    """Return the rows, in the order of the scenes."""
    labels = {status: label_of(status) for status in (*LABELS, *Outcome)}
    return [
        _row(read, number, row, cells, labels)
        for number, (row, cells) in enumerate(zip(read.rows, compared.cells, strict=True), 1)
    ]


def label_of(status: str) -> str:
    """Return what a status of a scene is called."""
    return LABELS.get(status) or OUTCOME_LABELS[Outcome(status)]


def _row(
    read: Read, number: int, row: Row, cells: list[Cell | None], labels: dict[str, str]
) -> SceneRow:
    told = [
        EMPTY if scene is None else _plain(read, scene, cell, labels)
        for scene, cell in zip(row.scenes, cells, strict=True)
    ]
    shown = row.scenes[read.base] or row.first
    title = next((scene.title for scene in row.scenes if scene and scene.title), "")
    unlike = any(cell is not None and cell.unlike is not None for cell in cells)
    differs = unlike or any(cell is not None and cell.stands_out for cell in cells)
    return SceneRow(number, shown.external_id, title or "", told, differs or _ends_differ(told))


def _ends_differ(cells: list[Plain]) -> bool:
    return len({cell[0] for cell in cells}) > 1 or any(cell[4] for cell in cells)


def _plain(read: Read, scene: Scene, cell: Cell | None, labels: dict[str, str]) -> Plain:
    status = scene_status(read, scene)
    took = duration(scene.duration_s) if not scene.open_count else MISSING
    gpu = (scene.gpu_model or "").removeprefix("RTX ")
    return (status, labels[status], took, gpu, status in WRONG, *_delta(cell))


def _delta(cell: Cell | None) -> tuple[str, str, str, str]:
    """Return icon, amount, tone and words."""
    if cell is None:
        return "", "", "", ""
    if cell.unlike is not None:
        words, short = WORDS.get(cell.unlike, ("", ""))
        return ("s-info", short, "", f"not compared: {words}") if short else ("", "", "", "")
    change = cell.change or 0.0
    if cell.stands_out:
        up = change > 0
        return (
            "t-up" if up else "t-down",
            percent(change),
            "bad" if up else "ok",
            "slower, beyond the noise" if up else "faster, beyond the noise",
        )
    if cell.stands_out is None:
        icon = "t-up" if change > 0 else "t-down" if change < 0 else "t-flat"
        return icon, percent(change), "", "the noise of such scenes is not known"
    return "t-flat", percent(change), "", f"{'more' if change > 0 else 'less'}, within the noise"
