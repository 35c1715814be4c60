"""Why a script tried a scene again: only the summary beside its metadata tells."""

import re

from history.imports.summary import Summary
from history.imports.told import ToldRun, ToldScript

LONGEST = 200
_LINE = re.compile(
    r"^Requeue requested(?: \(next attempt (\d{1,6})/\d{1,6}\))?.*?reason:\s*(\S.*)$", re.I
)


def take_requeues(run: ToldRun, summary: Summary) -> None:
    """Give each attempt that another followed the reason that the summary names."""
    for scene in run.scenes:
        lines = summary.scenes.get(scene.external_id)
        by_number = {one.attempt_number or n: one for n, one in enumerate(scene.attempts, 1)}
        for line in lines.of("requeue") if lines else ():
            found = _LINE.match(line.text)
            if found is None:
                continue
            number = int(found[1]) - 1 if found[1] else line.attempt
            attempt = by_number.get(number or 1)
            if attempt is not None:
                attempt.script = attempt.script or ToldScript()
                attempt.script.more["requeue_reason"] = found[2].strip()[:LONGEST]
