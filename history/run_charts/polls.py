"""When a submitting script asked ComfyUI's history during an attempt, and what it was answered."""

from datetime import datetime

from django.http import Http404

from history.charts.parts import Axis, Chart, Kind, Series, Shape, Unit, Value
from history.imports.told import ToldPolls
from history.models import PollLog, Run
from history.polls import unpack
from telemetry.text import duration, plural

TITLE = "Polls of the attempt"
# In the order in which they come: a letter of the log, its name, its colour and shape.
ANSWERS = (
    ("p", "Pending", "--c2", Shape.CIRCLE),
    ("s", "Answered", "--ok", Shape.DIAMOND),
    ("e", "Failed", "--bad", Shape.CROSS),
    ("?", "Another word", "--c3", Shape.SQUARE),
)
# Whether the times of any are told.
NOTHING = {
    False: "The file tells how many polls there were, and not when: nothing to draw.",
    True: "There was one poll only: nothing to draw.",
}


def polls_in(run: Run, attempt_pk: int) -> PollLog:
    """Return the poll log of an attempt of a run that was reached through history/access.py."""
    log = PollLog.objects.filter(attempt=attempt_pk, attempt__scene__run=run).first()
    if log is None:
        raise Http404
    return log


def polls_of(log: PollLog) -> Chart:
    """Return a dot for each poll: when after the first, and how long after the one before."""
    told = unpack(bytes(log.packed))
    values = _values(told)
    series = [
        Series(name, tuple(values[letter]), token, shape)
        for letter, name, token, shape in ANSWERS
        if values[letter]
    ]
    return Chart(
        Kind.DOTS,
        TITLE,
        _finding(log, told),
        Axis("time since the poll before", Unit.SECONDS),
        tuple(series),
        x=Axis("time since the first poll", Unit.SECONDS),
        nothing=NOTHING[any(values.values())],
    )


def _values(told: ToldPolls) -> dict[str, list[Value]]:
    values: dict[str, list[Value]] = {letter: [] for letter, *_ in ANSWERS}
    timed = [(at, n) for n, at in enumerate(told.at[: len(told.answers)]) if at is not None]
    if not timed:
        return values
    first, before = timed[0][0], None
    for at, number in timed:
        letter = told.answers[number] if told.answers[number] in values else "?"
        values[letter].append(_value(at, first, before, number, told.messages.get(number, "")))
        before = at
    return values


def _value(
    at: datetime, first: datetime, before: datetime | None, number: int, message: str
) -> Value:
    since = max(0.0, (at - first).total_seconds())
    wait = max(0.0, (at - before).total_seconds()) if before else None
    more = [("Since the first", duration(since))]
    if message:
        more.append(("Message", message[:120]))
    return Value(since, wait, f"Poll {number + 1:,}", duration(wait), at, tuple(more))


def _finding(log: PollLog, told: ToldPolls) -> str:
    asked = plural(log.count, "poll")
    span = ""
    if log.first_at and log.last_at:
        span = f" in {duration((log.last_at - log.first_at).total_seconds())}"
    last = told.answers[-1:]
    ended = {"s": "the last was answered", "e": "the last failed", "p": "the last was pending"}
    failed = f", {log.error_count:,} of them failed" if log.error_count else ""
    return f"{asked}{span}{failed}; {ended.get(last, 'what the last was answered is not known')}."
