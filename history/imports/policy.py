"""The queue policy of a file: names of today, of scenes, and old ones."""

from typing import Any

from history.imports.fields import Fields
from history.imports.told import ToldPolicy

# Our name, how it is read, and its names in files, today's first.
KNOBS = [
    ("max_wait_s", "seconds", ("HistoryMaxWaitSeconds", "MaxWaitSeconds", "SceneMaxWaitSeconds")),
    (
        "max_polls",
        "whole",
        ("HistoryMaxAttempts", "MaxAttempts", "SceneHistoryMaxAttempts", "HistoryAttemptLimit"),
    ),
    (
        "poll_interval_s",
        "seconds",
        (
            "HistoryPollIntervalSeconds",
            "PollIntervalSeconds",
            "SceneHistoryPollIntervalSeconds",
        ),
    ),
    (
        "grace_s",
        "seconds",
        ("PostExecutionTimeoutSeconds", "ScenePostExecutionTimeoutSeconds"),
    ),
    ("retry_budget", "whole", ("SceneRetryBudget", "MaxSceneRetries")),
]
# What acts but is mostly not written down.
MORE = [
    ("wait_for_done_marker", "flag", "WaitForDoneMarker"),
    ("done_marker_timeout_s", "seconds", "DoneMarkerTimeoutSeconds"),
    ("stability_s", "seconds", "StabilitySeconds"),
    ("stability_retries", "whole", "StabilityRetries"),
    ("frame_wait_s", "seconds", "FrameWaitSeconds"),
    ("fast_iteration", "flag", "FastIteration"),
]


def policy_of(fields: Fields | None) -> ToldPolicy | None:
    """Return the policy in an object, None where it holds no knob."""
    if fields is None:
        return None
    told = {name: getattr(fields, how)(*names) for name, how, names in KNOBS}
    more = {name: getattr(fields, how)(key) for name, how, key in MORE if fields.told(key)}
    if all(value is None for value in (*told.values(), *more.values())):
        return None
    return ToldPolicy(**told, more=more)


def key_in(fields: Fields, name: str) -> str:
    """Return under which key an object tells one of our knobs."""
    names = next(names for knob, _, names in KNOBS if knob == name)
    return next((fields.get(key)[0] for key in names if fields.told(key)), names[0])


def differing(run: ToldPolicy, scene: ToldPolicy) -> dict[str, tuple[Any, Any]]:
    """Return the knobs that both tell, and tell differently."""
    pairs = {name: (getattr(run, name), getattr(scene, name)) for name, _, _ in KNOBS}
    return {name: pair for name, pair in pairs.items() if None not in pair and pair[0] != pair[1]}
