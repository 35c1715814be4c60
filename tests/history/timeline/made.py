"""Runs to be drawn: pieces without a database, and rows of runs that are over."""

from datetime import datetime, timedelta
from typing import Any

from history.models import Run
from history.timeline.reading import Piece
from history.timeline.window import Window
from telemetry.models import Server, Team
from tests.cast import NOON, make_run, make_run_server

DAY = Window(NOON - timedelta(hours=24), NOON, NOON)


def piece(hours: float = 12.0, lasted_s: float | None = 60, **fields: Any) -> Piece:
    """Return a run that began so many hours into DAY and completed at once."""
    began_at = DAY.since + timedelta(hours=hours)
    ended_at = None if lasted_s is None else began_at + timedelta(seconds=lasted_s)
    usual = {"pk": 1, "name": "Harbor", "of": "", "server": 1, "status": "completed", "scenes": 3}
    times = {"began_at": began_at, "begun_at": began_at, "ended_at": ended_at}
    return Piece(**{**usual, **times, **fields})


def ran(
    team: Team, server: Server | None, at: datetime, outcome: str | None = "success", **fields: Any
) -> Run:
    """Return a run of a minute, on a server, that waited for 30 s first."""
    ended_at = at + timedelta(seconds=90)
    usual = {"began_at": at, "ended_at": ended_at, "duration_s": 60.0, "scene_count": 1}
    run = make_run(team, **{**usual, "outcome": outcome, **fields})
    if server is not None:
        make_run_server(run, server)
    return run
