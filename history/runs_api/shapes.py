"""Runs as lists tell them. Missing is null, never 0; every number says its unit."""

from datetime import datetime
from typing import Self

from pydantic import Field

from history.models import Run, Scene
from history.runs_api.units import count, key, ratio, seconds
from history.words import ExitReason, Timer, Warmth
from telemetry.api_shapes import Shape
from telemetry.words import Outcome


class ServerRef(Shape):
    """A server, by id and name."""

    id: int = key("The server.")
    name: str


class RunOut(Shape):
    """One execution of a story or batch. Times by ComfyUI's clock.

    `outcome` is null while a scene is open, and where nobody knows it.
    """

    id: int = key("Ours; it stays.")
    source: str
    external_id: str
    story_id: str | None
    title: str | None
    submitter: str | None
    servers: list[ServerRef]
    gpu_model: str | None = Field(description="Where all of its scenes ran on one.")
    workload: str | None = Field(description="Where its scenes share one.")
    outcome: Outcome | None
    began_at: datetime
    ended_at: datetime | None
    archived_at: datetime | None
    duration_s: float | None = seconds("From its first start to its last end, waiting included.")
    work_s: float | None = seconds("Its scenes' durations together.")
    success_rate: float | None = ratio("Completed scenes of all that were not skipped.")
    scene_count: int = count("Scenes.")
    open_count: int = count("Scenes that are queued or executing.")
    success_count: int = count("Scenes that completed.")
    partial_count: int = count("Scenes with fewer frames than they should have.")
    failed_count: int = count("Scenes that failed.")
    timeout_count: int = count("Scenes that timed out.")
    skipped_count: int = count("Scenes that were never queued.")
    cancelled_count: int = count("Scenes that were cancelled.")
    lost_count: int = count("Scenes that were lost from sight.")
    attempt_count: int = count("Attempts at its scenes.")
    retried_count: int = count("Scenes of several attempts.")
    cached_count: int = count("Scenes that came wholly out of the cache.")
    fallback_note_count: int = count("Warnings of its scripts that they had to make do.")
    forced_copy_count: int = count("Results copied without their done marker.")
    finding_count: int = count("Oddities in its files.")
    error_count: int = count("Findings that are errors.")
    revision: int = count("How often a file told of it anew; 0: none did.")

    @classmethod
    def of(cls, row: Run, servers: list[ServerRef]) -> Self:
        """Return a run that was on these servers."""
        return cls.told(row, servers=servers)


class Runs(Shape):
    """A page of runs, newest first; next_cursor is null on the last one."""

    items: list[RunOut]
    next_cursor: str | None


class SceneOut(Shape):
    """A scene of a run: what follows of the attempt that decides it."""

    id: int = key("Ours; it stays.")
    external_id: str
    title: str | None
    position: int | None = count("Its place in the run, from 0.")
    outcome: Outcome | None
    began_at: datetime | None
    ended_at: datetime | None
    waited_s: float | None = seconds("From submission to start.")
    duration_s: float | None = seconds("From start to end.")
    timed_by: Timer | None = Field(
        description="Whose clock: a script's times hold its waiting; the two are never compared."
    )
    frames: int | None = count("Frames that were counted.")
    frame_floor: int | None = count("Fewer frames than these are partial.")
    history_polls: int | None = count("How often a script asked ComfyUI's history.")
    exit_reason: ExitReason | None
    workload: str | None
    gpu_model: str | None
    server_id: int | None = key("The server that it ran on.")
    warmth: Warmth
    cached: bool
    attempt_count: int = count("Attempts at it.")
    open_count: int = count("Attempts that are queued or executing.")


class SceneRow(SceneOut):
    """A scene in a list of many runs: which run it is of stands with it."""

    run_id: int = key("Its run.")
    run_source: str
    run_external_id: str
    run_began_at: datetime

    @classmethod
    def of(cls, row: Scene, run: Run) -> Self:
        """Return a scene of this run."""
        return cls.told(
            row,
            run_source=run.source,
            run_external_id=run.external_id,
            run_began_at=run.began_at,
        )


class ExportedRuns(Shape):
    """All runs that were asked for, newest first."""

    items: list[RunOut]


class ExportedScenes(Shape):
    """The scenes of all runs that were asked for: of the newest run first, in their order."""

    items: list[SceneRow]
