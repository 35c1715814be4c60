"""Count what a purge would delete: the same rules, walked the same way, and nothing is changed."""

from django.db.models import Model

from history.models import Attempt, RunWatch, Scene
from history.pace import LARGEST
from history.purge import attempts_of, contents, line_of, named, parted
from history.retention import RUNS, Due
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
        rows: Rows = [(one.rule.what, one.rule.count(gone, one.before))]
        if one.rule is RUNS:
            rows += _count_contents(one, due, tally, gone)
        tally.add(rows)


def _count_contents(one: Due, due: list[Due], tally: Tally, run_ids: list[int]) -> Rows:
    attempts = [attempt for _, attempt in attempts_of(run_ids)]
    counts = {model: 0 for model, _ in contents()}
    for some in parted(attempts, LARGEST):
        for model, column in contents():
            with tally.on(line_of(model), one.before):
                left = named(model, column, some).count() - _taken(model, column, some, due)
            counts[model] += left
    with tally.on(line_of(RunWatch), one.before):
        counts[RunWatch] += RunWatch.objects.filter(run_id__in=run_ids, attempt=None).count()
    with tally.on(line_of(Scene), one.before):
        scenes = Scene.objects.filter(run_id__in=run_ids).count()
    with tally.on(line_of(Attempt), one.before):
        rows = [(line_of(model), rows) for model, rows in counts.items()]
    return [*rows, (line_of(Attempt), len(attempts)), (line_of(Scene), scenes)]


def _taken(model: type[Model], column: str, attempts: list[int], due: list[Due]) -> int:
    """Return how many of the attempts' rows go by a rule of their own before their run does."""
    for one in due:
        if one.rule.rows is model and one.rule.judged is Attempt:
            return one.rule.count(one.rule.expired(attempts, one.before), one.before)
        if one.rule.rows is model:
            return named(model, column, attempts).filter(one.rule.old(one.before)).count()
    return 0
