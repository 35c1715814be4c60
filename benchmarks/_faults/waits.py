"""Moments that are waited for, and how long after another they came."""

from collections.abc import Callable

from benchmarks.processes import until

# The longest that a take-over, and all that must be there again after an outage, may last.
TAKE_OVER_S = 15.0


def within(limit_s: float, condition: Callable[[], float | None]) -> float | None:
    """Return condition()'s first true value, None beyond limit_s."""
    try:
        return until(condition, "it", limit_s)
    except TimeoutError:
        return None


def after(at: float | None, since: float) -> float | None:
    """Return the seconds from one moment to another; None where it never came."""
    return at - since if at else None
