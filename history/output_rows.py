"""The files that attempts left, as rows; a later word takes the place of an earlier one."""

import json
from collections.abc import Iterable

from history.models import AttemptOutputs
from history.upsert import upsert
from telemetry.protocol.outputs import OutputFile, Outputs

COLUMNS = ("attempt", "files", "count")


def write_outputs(told: Iterable[tuple[int | None, Outputs | None]]) -> None:
    """Write the files of attempts; where none is named, as when an end is corrected, nothing."""
    rows = {
        pk: (pk, json.dumps([_row(file) for file in outputs.files]), outputs.count)
        for pk, outputs in told
        if pk is not None and outputs is not None and outputs.files
    }
    upsert(AttemptOutputs, COLUMNS[:1], COLUMNS, rows.values())


def _row(file: OutputFile) -> list[str]:
    return [file.node, file.place, file.folder, file.name]
