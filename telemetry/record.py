"""What the collector needs of the record, which it does not import: `config` hands it over."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from telemetry.activity import Happening
from telemetry.attempt import AttemptState
from telemetry.leases import Leased
from telemetry.machine import Ended, ServerState
from telemetry.outlook import Outlook
from telemetry.overview import Overview
from telemetry.transitions import Transition


@dataclass(frozen=True, slots=True)
class Memory:
    """What is on record of a server, newest last: enough to go on as if never stopped.

    What ended before `forgotten_before` may have been on record and deleted since, on purpose.
    """

    ended: list[Ended] = field(default_factory=list)
    open: list[AttemptState] = field(default_factory=list)
    recent: list[AttemptState] = field(default_factory=list)
    forgotten_before: datetime | None = None

    def state(self) -> ServerState:
        """Return a server's state as the record left it."""
        state = ServerState(forgotten_before=self.forgotten_before)
        for ended in self.ended:
            state.remember(ended)
        for attempt in self.open:
            state.attempts[attempt.key.prompt_id] = attempt
        state.recent.extend(self.recent)
        return state


@dataclass(frozen=True, slots=True)
class Record:
    """The record's four doors.

    `record` takes what changed and what it means to people; its Future ends with the commit.
    `outlook` tells how long earlier attempts of a workload took on a server. `recall` returns what
    is on record of a server, `overview` what the wall says of all of a team's. The last three query
    the database: not for an event loop.
    """

    record: Callable[[Leased, list[Transition], list[Happening]], "Future[None]"]
    outlook: Callable[[int, str], Outlook | None]
    recall: Callable[[int], Memory]
    overview: Callable[[int], Overview]
