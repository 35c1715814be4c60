"""Delete what the rules of history/retention.py let go, without holding up who writes.

Every batch is one short transaction (history/pace.py). A purge may be stopped between two batches
and begun again: what is left is whole, apart from a run of more attempts than a batch holds, which
loses them bit by bit and stays due until it is gone.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import CASCADE, Model, QuerySet

from history.deletion import empty
from history.models import Attempt, Run, RunDecision, Scene
from history.pace import Pace, in_transaction, persistently
from history.retention import DELETED, RUNS, Due, Rule
from history.tally import Rows, Tally
from history.turn import Turn
from telemetry.clock import now
from telemetry.leases import hold_off


class Stopped(Exception):
    """The purge ended between two batches: it was asked to, or lost its turn."""


def contents(of: type[Model] = Attempt) -> list[tuple[type[Model], str]]:
    """Return the tables whose rows go with an attempt, scene or run, and the column that names it.

    Scenes and attempts are no such contents, nor is for a scene what its attempts or run hold.
    """
    if of is Scene:
        nearer = {model for one in (Attempt, Run) for model, _ in contents(one)}
        return [told for told in _children(Scene) if told[0] not in nearer]
    return _children(of)


def _children(of: type[Model]) -> list[tuple[type[Model], str]]:
    return [
        (relation.related_model, relation.field.attname)
        for relation in of._meta.related_objects
        if relation.on_delete is CASCADE and relation.related_model not in (Scene, Attempt)
    ]


def contents_of_runs(rule: Rule) -> list[tuple[type[Model], str]]:
    """Return what goes with runs by a rule: of emptied ones it stays who decided what."""
    return [told for told in contents(Run) if rule is RUNS or told[0] is not RunDecision]


def line_of(model: type[Model], rule: Rule = RUNS) -> str:
    """Return the line that rows are booked to that go because their run does."""
    return f"{rule.what}: {model._meta.verbose_name_plural}"


def attempts_of(run_ids: list[int]) -> list[tuple[int, int]]:
    """Return run and attempt of every attempt of the runs."""
    attempts = Attempt.objects.filter(scene__run__in=run_ids).order_by()
    return list(attempts.values_list("scene__run_id", "pk"))


def scenes_of(run_ids: list[int]) -> list[int]:
    """Return the scenes of the runs."""
    return list(Scene.objects.filter(run__in=run_ids).order_by().values_list("pk", flat=True))


def parted(ids: list[int], size: int) -> Iterator[list[int]]:
    """Yield the ids in parts of at most `size`."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


@dataclass(slots=True)
class Purge:
    """One purge of what is due. `stopping` is asked between batches, `turn` renewed meanwhile."""

    due: list[Due]
    turn: Turn
    tally: Tally = field(default_factory=Tally)
    pace: Pace = field(default_factory=Pace)
    stopping: Callable[[], bool] = lambda: False

    def run(self) -> None:
        """Delete what is due; raises Stopped between batches, OperationalError after retries."""
        with self.tally.watching():
            for due in self.due:
                self.pace.begin()
                with self.tally.on(due.rule.what, due.before):
                    self._follow(due)

    def _follow(self, due: Due) -> None:
        after, began = None, time.perf_counter()
        while keys := due.rule.window(after, self.pace.size, due.before):
            after = keys[-1]
            gone = due.rule.expired([key[-1] for key in keys], due.before)
            self._check()
            if not gone:
                self.pace.took(time.perf_counter() - began)
            elif due.rule in (RUNS, DELETED):
                self._runs(due, gone)
            else:
                self._batch(partial(self._rows, due, gone))
            began = time.perf_counter()

    def _rows(self, due: Due, ids: list[int]) -> Rows:
        return [self._drop(due, due.rule.going(ids, due.before))]

    def _batch(self, work: Callable[[], Rows]) -> None:
        """Do work in a transaction of its own, and book the rows that it deleted once they are."""
        self._check()
        took = self.tally.took
        self.tally.add(persistently(lambda: in_transaction(work, took), self.pace))

    def _check(self) -> None:
        if self.stopping():
            raise Stopped("stopped; the next purge goes on")
        if not self.turn.renew():
            raise Stopped("somebody else purges now")

    # --- Runs -----------------------------------------------------------------------------------

    def _runs(self, due: Due, run_ids: list[int]) -> None:
        """Delete runs with all that is theirs, about as many attempts at once as a batch holds.

        Of deleted runs the rows stay: by their keys what ComfyUI remembers is known to be theirs.
        """
        if due.rule is RUNS:
            self.turn.forget_runs(due.before)
        size = self.pace.size
        for group, attempts in _groups(run_ids, size):
            for some in parted(attempts, size) if len(attempts) > size else ():
                self._batch(partial(self._shed, due, group, some))
            self._batch(partial(self._clear, due, group))

    def _shed(self, due: Due, run_ids: list[int], attempts: list[int]) -> Rows:
        """Delete some attempts of a run that is too large for one batch."""
        runs = self._still_old(due, run_ids)
        if runs and due.rule is DELETED:
            # Half of a run is not to come back.
            empty(runs, now())
        return self._drop_attempts(due, attempts) if runs else []

    def _clear(self, due: Due, run_ids: list[int]) -> Rows:
        runs = self._still_old(due, run_ids)
        rows = self._drop_attempts(due, [attempt for _, attempt in attempts_of(runs)])
        rows += self._drop_contents(due, Run, runs)
        rows += self._drop_contents(due, Scene, scenes_of(runs))
        scenes = Scene.objects.filter(run_id__in=runs)
        rows.append(self._drop(due, scenes, line_of(Scene, due.rule)))
        if due.rule is DELETED:
            empty(runs, now())
            return [*rows, (due.rule.what, len(runs))]
        return [*rows, self._drop(due, Run.objects.filter(pk__in=runs))]

    def _still_old(self, due: Due, run_ids: list[int]) -> list[int]:
        """Return which of the runs are old also now that no collector can add to them."""
        hold_off(set(Run.objects.filter(pk__in=run_ids).values_list("team_id", flat=True)))
        return due.rule.expired(run_ids, due.before)

    def _drop_attempts(self, due: Due, attempts: list[int]) -> Rows:
        rows = self._drop_contents(due, Attempt, attempts)
        of = Attempt.objects.filter(pk__in=attempts)
        rows.append(self._drop(due, of, line_of(Attempt, due.rule)))
        return rows

    def _drop_contents(self, due: Due, of: type[Model], ids: list[int]) -> Rows:
        return [
            self._drop(due, named(model, column, ids), line_of(model, due.rule))
            for model, column in (contents_of_runs(due.rule) if of is Run else contents(of))
        ]

    def _drop(self, due: Due, rows: QuerySet[Any], what: str = "") -> tuple[str, int]:
        """Delete rows in one statement; Django's own deletion would load them and all below."""
        with self.tally.on(what or due.rule.what, due.before) as line:
            return line.what, rows._raw_delete(rows.db) or 0


def _groups(run_ids: list[int], size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield runs, and their attempts: together at most `size` attempts unless it is one run."""
    own: dict[int, list[int]] = {run_id: [] for run_id in run_ids}
    for run_id, attempt in attempts_of(run_ids):
        own[run_id].append(attempt)
    runs: list[int] = []
    attempts: list[int] = []
    for run_id, more in own.items():
        if runs and len(attempts) + len(more) > size:
            yield runs, attempts
            runs, attempts = [], []
        runs, attempts = [*runs, run_id], [*attempts, *more]
    yield runs, attempts


def named(model: type[Model], column: str, ids: list[int]) -> QuerySet[Any]:
    """Return the rows of a table whose column names one of the ids."""
    return model._base_manager.filter(**{f"{column}__in": ids})
