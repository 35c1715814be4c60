"""What attempts that failed change of their family: counts, first and last, open again or not."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from history.failures.told import Failure
from history.models import FailureFamily, FailureOccurrence
from history.words import FailureState

MESSAGE_LENGTH = 4000
# So many servers, GPUs, nodes are told apart, the others are counted together, as "".
MOST = 200
# A family's column of counts, and what it counts of an occurrence.
COUNTED = {"servers": "server", "gpus": "gpu", "nodes": "node"}
# By these an occurrence is what was counted.
SAME = ("family_id", "run_id", "at", *COUNTED.values())


@dataclass(slots=True)
class Change:
    """What a family gains and loses at once; `anew` are failures that it had not had before."""

    gained: list[Failure] = field(default_factory=list)
    lost: list[FailureOccurrence] = field(default_factory=list)
    anew: list[Failure] = field(default_factory=list)

    def of_runs(self) -> Counter[int]:
        """Return by how many occurrences each run changes."""
        change = Counter(failure.run for failure in self.gained)
        change.subtract(occurrence.run_id for occurrence in self.lost)
        return change


def occurrence_of(failure: Failure, family: FailureFamily) -> FailureOccurrence:
    """Return a failure as it is counted."""
    return FailureOccurrence(
        attempt_id=failure.attempt,
        family=family,
        run_id=failure.run,
        at=failure.at,
        server=failure.server,
        gpu=failure.gpu,
        node=failure.node,
    )


def is_counted(failure: FailureOccurrence, before: FailureOccurrence | None) -> bool:
    """Say whether a failure was counted just so."""
    return before is not None and all(
        getattr(failure, name) == getattr(before, name) for name in SAME
    )


def take(family: FailureFamily, change: Change, runs: int) -> bool:
    """Change a family; `runs` is how many more it is seen in. Say whether that opened it again."""
    family.count = max(0, family.count + len(change.gained) - len(change.lost))
    family.run_count = max(0, family.run_count + runs)
    for column, name in COUNTED.items():
        _count(getattr(family, column), name, change)
    for failure in sorted(change.gained, key=lambda one: (one.at, one.attempt)):
        _note(family, failure)
    return _reopen(family, change.anew)


def _count(told: dict[str, int], name: str, change: Change) -> None:
    for failures, step in ((change.gained, 1), (change.lost, -1)):
        for value, times in Counter(getattr(one, name) for one in failures).items():
            key = value if value in told or (step > 0 and len(told) < MOST) else ""
            told[key] = told.get(key, 0) + step * times
    for key in [key for key, times in told.items() if times <= 0]:
        del told[key]


def _note(family: FailureFamily, failure: Failure) -> None:
    family.first_seen_at = min(family.first_seen_at, failure.at)
    if failure.at >= family.last_seen_at:
        family.last_seen_at = failure.at
        family.message = failure.message[:MESSAGE_LENGTH]
        family.outcome = failure.signature.outcome


def _reopen(family: FailureFamily, anew: list[Failure]) -> bool:
    """Open a resolved family that was seen after it was; an ignored one stays so."""
    if family.state != FailureState.RESOLVED or family.state_at is None:
        return False
    later = [failure.at for failure in anew if failure.at > family.state_at]
    if later:
        family.state, family.state_at = FailureState.OPEN, min(later)
        family.state_by, family.state_who = None, ""
    return bool(later)


def new_family(failure: Failure) -> FailureFamily:
    """Return the family that a failure is the first of, with nothing counted yet."""
    signature = failure.signature
    fields: dict[str, Any] = {
        name: getattr(signature, name) for name in ("error_type", "node_type", "outcome", "pattern")
    }
    return FailureFamily(
        team_id=failure.team,
        signature=signature.digest,
        message=failure.message[:MESSAGE_LENGTH],
        first_seen_at=failure.at,
        last_seen_at=failure.at,
        **fields,
    )
