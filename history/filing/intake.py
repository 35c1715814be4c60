"""From files to the record, one file at a time: what both the command and the API do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from history.filing.into import Filed, Into
from history.filing.run import file_run
from history.imports.errors import NotARun, Unreadable
from history.imports.gathering import Gathered, Problem
from history.imports.reading import read


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one file: runs on record, or why there are none."""

    name: str
    runs: list[Filed] = field(default_factory=list)
    error: Unreadable | None = None

    @property
    def passed_over(self) -> bool:
        """Say whether the file is about something else than runs."""
        return isinstance(self.error, NotARun)


def take(files: Iterable[Gathered], into: Into, at: datetime) -> Iterator[Taken]:
    """File the runs of each file as of a time; yield what came of it before the next is read."""
    for file in files:
        if isinstance(file, Problem):
            yield Taken(file.name, error=file.error)
            continue
        try:
            told = read(file, at)
        except Unreadable as error:
            yield Taken(file.name, error=error)
            continue
        under = replace(into, name=file.name, size_bytes=len(file.data))
        yield Taken(file.name, [file_run(run, under) for run in told])
