"""What happened to a scene and why, in a sentence; whether that is usual, in another. Pure."""

from collections import Counter

from history.deciding import deciding
from history.failures.memory import shortage_of
from history.judged.words import delta_of
from history.models import Attempt, Scene
from history.run_page.why import reason_of
from history.scene_page.reading import Read
from telemetry.text import NBSP, duration, gib, plural
from telemetry.words import Outcome, Status

WORDS = {
    Outcome.FAILED: "Failed",
    Outcome.TIMEOUT: "Timed out",
    Outcome.LOST: "Was lost",
    Outcome.CANCELLED: "Was cancelled",
    Outcome.PARTIAL: "Came out short of frames",
}

# What is counted, where the status itself is another word.
SAID = {"success": "completed", "timeout": "timed out"}


def answer(read: Read) -> str:
    """Return the sentence that a person looks for first."""
    scene = read.scene
    if scene.open_count:
        return _so_far(read)
    if scene.outcome is None:
        return "Nobody knows how it ended." if read.attempts else "Nothing was queued for it yet."
    outcome = Outcome(scene.outcome)
    if outcome is Outcome.SKIPPED:
        return "Skipped: nothing was queued."
    if outcome is Outcome.SUCCESS:
        took = f" in {duration(scene.duration_s)}" if scene.duration_s is not None else ""
        return f"Completed{took}{_tries(read)}."
    return f"{WORDS[outcome]}{_everywhere(read, outcome)}{_because(read)}."


def _so_far(read: Read) -> str:
    before = [a for a in read.attempts if a.status == Status.ENDED]
    now = f"{_where(read.running)}" if read.running else "waits in the queue"
    if not before:
        return f"It {now}."
    return f"It {now}; {plural(len(before), 'attempt')} before came to: {_outcomes(before)}."


def _where(running: Attempt) -> str:
    return f"is at work on {running.server.name}" if running.server else "is at work"


def _outcomes(attempts: list[Attempt]) -> str:
    counts = Counter(a.outcome or "unknown" for a in attempts)
    return ", ".join(f"{n:,} {SAID.get(name, name)}" for name, n in counts.most_common())


def _tries(read: Read) -> str:
    """Return at which attempt it came about, where that was not the first."""
    last = deciding(read.scene, read.attempts)
    if last is None or last is read.attempts[0]:
        return ""
    place = read.attempts.index(last)
    return f" at attempt {place + 1}; {_outcomes(read.attempts[:place])} before it"


def _everywhere(read: Read, outcome: Outcome) -> str:
    """Return in how many of its attempts it ended so."""
    count, same = len(read.attempts), sum(a.outcome == outcome for a in read.attempts)
    if count < 2:
        return ""
    return (
        f" in {'both' if count == 2 else f'all {count:,}'} attempts"
        if same == count
        else (f" in {same:,} of {count:,} attempts")
    )


def _because(read: Read) -> str:
    last = deciding(read.scene, read.attempts)
    reason = reason_of(read.scene, last)
    short = _short_of(last)
    return f": {reason}{short}" if reason else short


def _short_of(attempt: Attempt | None) -> str:
    """Return how much memory it asked for, and how much there was, if its message tells both."""
    if attempt is None:
        return ""
    told = shortage_of(attempt.error_type or "", attempt.error_message or "")
    if told is None or told.requested_bytes is None or told.free_bytes is None:
        return ""
    asked, free = gib(told.requested_bytes), gib(told.free_bytes)
    of = f" of {gib(told.total_bytes)}" if told.total_bytes else ""
    return f", which asked for {asked}{NBSP}GiB while {free}{of}{NBSP}GiB were free"


def health(read: Read) -> str:
    """Return how the scene did over time: how its last runs ended, and how long it took in them."""
    ended = [scene for scene in read.earlier if scene.outcome and not scene.open_count]
    if not ended:
        return "It is on record in no earlier run."
    good = sum(scene.outcome == Outcome.SUCCESS for scene in ended)
    told = f"{good:,} of its last {plural(len(ended), 'earlier run')} completed{_others(ended)}."
    return f"{told} {_pace(read)}".strip()


def _others(ended: list[Scene]) -> str:
    """Return how the others ended: ", 2 failed, 1 lost"."""
    counts = Counter(s.outcome for s in ended if s.outcome != Outcome.SUCCESS)
    return "".join(f", {n:,} {SAID.get(name or '', name)}" for name, n in counts.most_common())


def _pace(read: Read) -> str:
    delta = delta_of(read.judged)
    if not delta.is_known:
        return ""
    if delta.words == "as usual":
        return "Its time is as usual."
    return f"This time {delta.text} {delta.words}."
