"""Poll logs: thousands of lines of a script's questions to ComfyUI's history."""

from typing import Any

from history.imports import times
from history.imports.fields import Fields, NotFinite
from history.imports.text import tidy
from history.imports.told import ToldPolls

ANSWERS = {"pending": "p", "success": "s", "executed": "s", "error": "e"}
OTHER = "?"
LONGEST_LOG = 200_000
MOST_MESSAGES, LONGEST_MESSAGE = 500, 300


def polls_of(scene: Fields) -> ToldPolls | None:
    """Return the poll log of a scene, None where it has none.

    Read without an object for each line: of a log of thousands only some lines say anything.
    """
    lines = scene.items("HistoryPollLog")
    polls = ToldPolls()
    answers = []
    for path, line in lines[:LONGEST_LOG]:
        if not isinstance(line, dict):
            scene.reading.findings.add("wrong_type", path, "A line of the log is not an object.")
            continue
        answers.append(_line(polls, line, scene))
    polls.answers = "".join(answers)
    if len(lines) > LONGEST_LOG:
        scene.find("too_long", "HistoryPollLog", f"{len(lines)} lines; {LONGEST_LOG} are kept.")
    return polls if polls.answers else None


def _line(polls: ToldPolls, line: dict[str, Any], scene: Fields) -> str:
    told = line.get("Timestamp", line.get("timestamp"))
    at = None
    if isinstance(told, str) and not isinstance(told, NotFinite):
        at, _ = times.from_text(told[:80], scene.reading.zone)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        at = times.from_ms(told)
    if at is None and told is not None:
        scene.find("time_unreadable", "HistoryPollLog", "A line's time is no time of a run.")
    polls.at.append(at)
    message = line.get("Message", line.get("message"))
    if isinstance(message, str) and message.strip() and len(polls.messages) < MOST_MESSAGES:
        polls.messages[len(polls.at) - 1] = tidy(message, LONGEST_MESSAGE)
    status = line.get("Status", line.get("status"))
    return ANSWERS.get(status.lower(), OTHER) if isinstance(status, str) else OTHER
