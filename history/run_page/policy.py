"""What a queue policy comes to: the first limit that ends a wait, and how its versions did.

A script stops asking at whichever limit comes first: its longest wait, or its polls times their
interval. Then come the grace after the end and as many tries again as the budget has.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from history.models import QueuePolicy, Run
from telemetry.text import MISSING, NBSP, duration, plural
from telemetry.words import Outcome

TRIED = ("success", "partial", "failed", "timeout", "cancelled", "lost")


@dataclass(frozen=True, slots=True)
class Limits:
    """What applies to one scene, in seconds; None: no limit, or not told."""

    wait_s: float | None
    polls_s: float | None
    grace_s: float | None
    tries: int

    @property
    def window_s(self) -> float | None:
        """Return how long one try waits at most: the smaller limit, and the grace."""
        known = [limit for limit in (self.wait_s, self.polls_s) if limit is not None]
        return min(known) + (self.grace_s or 0) if known else None

    @property
    def worst_s(self) -> float | None:
        """Return how long a scene takes at most, all tries together."""
        return None if self.window_s is None else self.window_s * self.tries


def limits_of(policy: QueuePolicy) -> Limits:
    """Return what a policy's knobs come to."""
    polls = None
    if policy.max_polls and policy.poll_interval_s is not None:
        polls = policy.max_polls * policy.poll_interval_s
    return Limits(policy.max_wait_s, polls, policy.grace_s, (policy.retry_budget or 0) + 1)


def rows(policy: QueuePolicy) -> list[tuple[str, str, str]]:
    """Return the policy as name, value and note."""
    limits = limits_of(policy)
    polled = "" if limits.polls_s is None else f"{duration(limits.polls_s)} at most"
    first = ""
    if limits.wait_s is not None and limits.polls_s is not None:
        first = "polls run out first" if limits.polls_s < limits.wait_s else "the wait ends first"
    return [
        ("Retries per scene", _retries(policy.retry_budget), ""),
        ("Longest wait", _seconds(policy.max_wait_s), ""),
        ("History poll", _every(policy.poll_interval_s), ""),
        ("History polls", _polls(policy.max_polls), polled),
        ("After execution", _seconds(policy.grace_s), ""),
        ("One try at most", _limit(limits.window_s), first),
        (
            "One scene at most",
            _limit(limits.worst_s),
            plural(limits.tries, "try").replace("trys", "tries"),
        ),
    ]


def _seconds(value: float | None) -> str:
    return MISSING if value is None else f"{value:g}{NBSP}s" if value < 120 else duration(value)


def _every(value: float | None) -> str:
    return MISSING if value is None else f"every {value:g}{NBSP}s"


def _polls(value: int | None) -> str:
    return MISSING if value is None else f"{value:,}" if value else "unlimited"


def _retries(value: int | None) -> str:
    return MISSING if value is None else f"{value:,}" if value else "none"


def _limit(value: float | None) -> str:
    return "no limit" if value is None else duration(value)


def differing(other: QueuePolicy, own: QueuePolicy) -> str:
    """Return what sets a version apart from a run's own: "longest wait 600 s instead of 900 s"."""
    pairs = zip(knobs(other), knobs(own), strict=True)
    told = [f"{name} {its} instead of {mine}" for (name, its), (_, mine) in pairs if its != mine]
    names = sorted(other.more.keys() | own.more.keys())
    told += [name.replace("_", " ") for name in names if other.more.get(name) != own.more.get(name)]
    return ", ".join(told) or "told in other words"


def knobs(policy: QueuePolicy) -> list[tuple[str, str]]:
    """Return the knobs by name; times in seconds, so that versions are told apart to the second."""

    def in_seconds(value: float | None) -> str:
        return MISSING if value is None else f"{value:g}{NBSP}s"

    return [
        ("longest wait", in_seconds(policy.max_wait_s)),
        ("history polls", _polls(policy.max_polls)),
        ("poll every", in_seconds(policy.poll_interval_s)),
        ("after execution", in_seconds(policy.grace_s)),
        ("retries", _retries(policy.retry_budget)),
    ]


@dataclass(frozen=True, slots=True)
class Impact:
    """How runs of like work did under one version of the policy; `name` is what differs in it."""

    name: str
    is_this: bool
    runs: int
    success: str
    median: str
    timeouts: str


def impact(run: Run, earlier: Iterable[Run]) -> list[Impact]:
    """Return how the versions that like runs were waited for by did, this one's first.

    One query where there are others.
    """
    by_policy: dict[int, list[Any]] = {}
    for one in (run, *earlier):
        if one.policy_id is not None and not one.open_count:
            by_policy.setdefault(one.policy_id, []).append(one)
    ordered = sorted(by_policy, key=lambda pk: (pk != run.policy_id, -pk))
    others = [pk for pk in ordered if pk != run.policy_id]
    named = {pk: "this version" for pk in ordered if pk == run.policy_id}
    if others and run.policy is not None:
        found = QueuePolicy.objects.in_bulk(others)
        named |= {pk: differing(one, run.policy) for pk, one in found.items()}
    return [_impact(named[pk], by_policy[pk], pk == run.policy_id) for pk in ordered]


def _impact(name: str, runs: list[Run], is_this: bool) -> Impact:
    # Scenes whose outcome nobody knows are no failures.
    tried = sum(getattr(run, f"{outcome}_count") for run in runs for outcome in TRIED)
    done = sum(run.success_count for run in runs)
    timeouts = sum(run.timeout_count for run in runs)
    works = [run.work_s for run in runs if run.work_s and run.outcome == Outcome.SUCCESS]
    return Impact(
        name,
        is_this,
        len(runs),
        f"{100 * done / tried:.1f}%" if tried else MISSING,
        duration(median(works)) if works else MISSING,
        f"{100 * timeouts / tried:.1f}%" if tried else MISSING,
    )
