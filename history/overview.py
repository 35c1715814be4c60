"""What a team's wall says of all its servers together, read from the record.

`Overviews.read` is what the collector is handed. It is asked after changes only; what of it is dear
is kept for a while: the last 24 hours for two hundred times as long as reading them took, what is
usual for the hour, how long a workload takes for a minute.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from history import active_runs
from history.active_runs import GRACE, Team
from history.forecast import etas
from history.open_attempts import few, open_on
from history.outlook import outlook
from history.usual import DAY, Day, Usual, day_before, trend_of, usual_at
from telemetry.models import Server
from telemetry.outlook import Outlook
from telemetry.overview import TILES, Bar, Overview, Tile
from telemetry.prompt_rows import EtaText
from telemetry.text import MISSING, duration, plural

# Reading the last 24 hours takes this part of the time at most.
SHARE = 1 / 200
OUTLOOK_FOR = timedelta(minutes=1)
OUTLOOKS_LIMIT = 2000
BARS = 12
# A narrower range is not worth a word.
SPREAD_S = 5


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last 24 hours as they were read at a time, and how long that may be told again."""

    read_at: datetime
    until: datetime
    day: Day
    ends: list[int]


class Overviews:
    """The overviews of teams. One thread asks."""

    def __init__(self) -> None:
        self._days: dict[int, LastDay] = {}
        self._usual: dict[int, tuple[datetime, Usual]] = {}
        self._outlooks: dict[tuple[int, str], tuple[datetime, Outlook | None]] = {}

    def read(self, team_id: int) -> Overview:
        """Return the team's overview as it is now by the database's clock."""
        return self.overview(team_id, database_now())

    def overview(self, team_id: int, at: datetime) -> Overview:
        """Return the team's overview as it stands on record at a time."""
        names = dict(_servers(team_id).values_list("pk", "name"))
        attempts = open_on(names)
        ends = etas(attempts, partial(self._outlook, at), at) if few(attempts) else {}
        team = Team(names, attempts, ends, at)
        rows, more = active_runs.rows(team)
        last = self._last_day(team_id, team)
        return Overview(
            read_at=at,
            tiles=tuple(_tiles(team, last, self._usual_at(team_id, team))),
            runs=tuple(rows),
            more=f"and {plural(more, 'more run')}" if more else "",
            due_at=_due_at(team, rows, last),
        )

    def _outlook(self, at: datetime, server_id: int, workload: str) -> Outlook | None:
        """Return how long a workload takes; what is unknown may be known the next time."""
        kept_at, kept = self._outlooks.get((server_id, workload), (at, None))
        if kept is None or not timedelta(0) <= at - kept_at < OUTLOOK_FOR:
            if len(self._outlooks) >= OUTLOOKS_LIMIT:
                self._outlooks.clear()
            kept = outlook(server_id, workload)
            self._outlooks[server_id, workload] = at, kept
        return kept

    def _last_day(self, team_id: int, team: Team) -> LastDay:
        kept = self._days.get(team_id)
        if kept is None or not kept.read_at <= team.at < kept.until:
            began = time.perf_counter()
            day, ends = day_before(team.names, team.at), _ends(team)
            lasts = timedelta(seconds=(time.perf_counter() - began) / SHARE)
            kept = self._days[team_id] = LastDay(team.at, team.at + lasts, day, ends)
        return kept

    def _usual_at(self, team_id: int, team: Team) -> Usual:
        hour = team.at.replace(minute=30, second=0, microsecond=0)
        kept = self._usual.get(team_id)
        if kept is None or kept[0] != hour:
            kept = self._usual[team_id] = hour, usual_at(team.names, hour)
        return kept[1]


def database_now() -> datetime:
    """Return the time by the clock that all collectors share."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def _servers(team_id: int) -> Any:
    return Server.objects.watched().filter(team=team_id)


def _ends(team: Team) -> list[int]:
    """Return how many attempts ended in each twelfth of the last 24 hours, oldest first."""
    step = DAY / BARS
    begins = [team.at - DAY + place * step for place in range(BARS)]
    within = {
        f"bar{place}": Q(ended_at__gt=begin, ended_at__lte=begin + step)
        for place, begin in enumerate(begins)
    }
    return active_runs.counted(team, team.at - DAY, within)


def _tiles(team: Team, last: LastDay, usual: Usual) -> list[Tile]:
    at_work = [attempt for attempt in team.attempts if attempt.runs]
    waiting = len(team.attempts) - len(at_work)
    rate = last.day.rate
    values: dict[str, tuple[float | None, str, str, str]] = {
        "runs": (len({a.run_id for a in at_work}), "", "", "Runs with a prompt at work"),
        "scenes": (
            last.day.scenes,
            "",
            "",
            "Scenes on which an attempt ended in the last 24 hours",
        ),
        "rate": (rate, MISSING if rate is None else f"{100 * rate:.1f}%", "", _of(last.day)),
        "queue": (waiting, "", "waiting", "Prompts that wait"),
        "servers": (len({a.server_id for a in at_work}), "", f"of {len(team.names)}", ""),
    }
    tiles = [
        Tile(
            key,
            TILES[key],
            text or f"{value:,}",
            unit,
            title,
            trend_of(key, value, usual),
            _bars(last.ends) if key == "scenes" else (),
        )
        for key, (value, text, unit, title) in values.items()
    ]
    return [*tiles, _clears(team)]


def _of(day: Day) -> str:
    return f"{day.completed:,} of {plural(day.scenes - day.skipped, 'scene')} in 24 hours completed"


def _bars(counts: list[int]) -> tuple[Bar, ...]:
    most = max(counts, default=0)
    if not most:
        return ()
    return tuple(
        Bar(
            f"{100 * place / BARS:.1f}%",
            f"{100 - 100 * count / most:.1f}%",
            f"{70 / BARS:.1f}%",
            f"{100 * count / most:.1f}%",
        )
        for place, count in enumerate(counts)
    )


def _clears(team: Team) -> Tile:
    """Return when the last prompt that is queued or at work should be done."""
    nothing = Tile("clears", TILES["clears"], clock=EtaText(None, None, None, "nothing waits"))
    if not team.attempts:
        return nothing
    eta = team.last_end(team.attempts)
    if eta.at is None or eta.latest is None or eta.earliest is None:
        return replace(nothing, clock=eta)
    half_s = max(eta.latest - eta.at, eta.at - eta.earliest).total_seconds()
    spread = f"± {duration(half_s)}" if half_s >= SPREAD_S else ""
    return replace(nothing, clock=EtaText(eta.at, eta.earliest, eta.latest, spread))


def _due_at(team: Team, rows: list[Any], last: LastDay) -> datetime | None:
    """Return when time alone changes what is shown: a grace ends, an ETA is past, a day is old."""
    graces = [row.ended_at + GRACE for row in rows if row.ended_at is not None]
    running = {attempt.pk for attempt in team.attempts if attempt.runs}
    late = [eta.latest for pk, eta in team.ends.items() if eta is not None and pk in running]
    stale = [last.until] if last.read_at != team.at else []
    return min([*graces, *late, *stale], default=None)
