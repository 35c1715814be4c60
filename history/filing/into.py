"""Where a run goes, and what came of filing it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.models import User

from history.imports.told import Found
from history.run_rows import DEFAULT_SOURCE, PROMPT_SOURCE
from telemetry.models import Server, Team


@dataclass(frozen=True, slots=True)
class Into:
    """The team whose record it is, who files it, when, and under what name it came.

    `source` and `server` say what the file does not: whose ids its run has, and where it ran.
    """

    team: Team
    at: datetime
    user: User | None = None
    source: str | None = None
    server: Server | None = None
    name: str = ""
    size_bytes: int = 0

    def source_of(self, told: str | None) -> str:
        """Return the namespace of a run's id; the one of prompts without a run is none."""
        source = (self.source or told or DEFAULT_SOURCE)[:80]
        return DEFAULT_SOURCE if source == PROMPT_SOURCE else source


class Result(StrEnum):
    """What filing a run came to."""

    CREATED = "created"
    REVISED = "revised"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Filed:
    """A run on record, its revision, and what was found; nothing where it is unchanged."""

    result: Result
    run_id: int
    source: str
    external_id: str
    revision: int
    scenes: int
    findings: list[Found] = field(default_factory=list)
