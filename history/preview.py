"""Count what a purge would delete: the same rules, walked the same way, and nothing is changed."""

from django.db.models import Model

from history.models import Attempt, Run, Scene
from history.pace import LARGEST
from history.purge import (
    attempts_of,
    contents,
    contents_of_runs,
    line_of,
    named,
    parted,
    scenes_of,
)
from history.retention import DELETED, RUNS, Due
from history.tally import Rows, Tally


def count(due: list[Due], tally: Tally, size: int = LARGEST) -> None:
    """Count what a purge would delete now, line by line; nothing is changed."""
    with tally.watching():
        for one in due:
            with tally.on(one.rule.what, one.before):
                _count(one, due, tally, size)


def _count(one: Due, due: list[Due], tally: Tally, size: int) -> None:
    after = None
    while keys := one.rule.window(after, size, one.before):
        after = keys[-1]
        gone = one.rule.expired([key[-1] for key in keys], one.before)
        if one.rule is DELETED:
            gone = _left(gone, due)
        rows: Rows = [(one.rule.what, one.rule.count(gone, one.before))]
        if one.rule in (RUNS, DELETED):
            rows += _count_contents(one, due, tally, gone)
        tally.add(rows)


def _count_contents(one: Due, due: list[Due], tally: Tally, run_ids: list[int]) -> Rows:
    attempts = [attempt for _, attempt in attempts_of(run_ids)]
    rows = _counted(Attempt, attempts, one, due, tally)
    rows += _counted(Run, run_ids, one, due, tally)
    rows += _counted(Scene, scenes := scenes_of(run_ids), one, due, tally)
    told = ((Attempt, len(attempts)), (Scene, len(scenes)))
    for model, count in told:
        with tally.on(line_of(model, one.rule), one.before):
            rows.append((line_of(model, one.rule), count))
    return rows


def _left(run_ids: list[int], due: list[Due]) -> list[int]:
    """Return the deleted runs among these that do not go altogether before they are emptied."""
    gone = {pk for one in due if one.rule is RUNS for pk in RUNS.expired(run_ids, one.before)}
    return [pk for pk in run_ids if pk not in gone]


def _counted(of: type[Model], ids: list[int], one: Due, due: list[Due], tally: Tally) -> Rows:
    """Return how many rows go with these attempts, runs or scenes, by table."""
    rows: Rows = []
    for model, column in contents_of_runs(one.rule) if of is Run else contents(of):
        with tally.on(line := line_of(model, one.rule), one.before):
            for some in parted(ids, LARGEST):
                going = named(model, column, some)
                if of is Run and model in (told for told, _ in contents(Attempt)):
                    going = going.filter(attempt=None)
                rows.append((line, going.count() - _taken(model, column, some, due)))
    return rows


def _taken(model: type[Model], column: str, ids: list[int], due: list[Due]) -> int:
    """Return how many of the rows go by a rule of their own before their run does."""
    for one in due:
        if one.rule.rows is model and one.rule.judged is Attempt:
            return one.rule.count(one.rule.expired(ids, one.before), one.before)
        if one.rule.rows is model:
            return named(model, column, ids).filter(one.rule.old(one.before)).count()
    return 0
