"""When a run that is at work should be over."""

from history.forecast import etas, last_of
from history.open_attempts import few, open_on
from history.outlook import outlook
from history.run_page.reading import Read
from telemetry.prompt_rows import EtaText


def ending(read: Read) -> EtaText | None:
    """Return when the last of the run's open attempts should end; None of one that is over.

    What stands before them in their servers' queues counts, whosever it is. It speaks of what was
    submitted so far, as the wall does, and has no time where one is of unknown length.
    """
    if not read.open:
        return None
    servers = {attempt.server_id for attempt in read.open if attempt.server_id is not None}
    attempts = open_on(servers)
    ends = etas(attempts, outlook, read.at) if few(attempts) else {}
    return last_of(ends.get(attempt.pk) for attempt in read.open)
