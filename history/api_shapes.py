"""What the API's routes about the record are asked, and what they answer.

Missing is null, never 0 or "". Texts come from ComfyUI and its submitters: treat them as hostile.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from history.models import Attempt
from telemetry.api_shapes import Moment, Shape, TeamQuery
from telemetry.words import Grade, Outcome, Status, Tone

LARGEST_PAGE = 200
# Ids and texts that no row can have are refused, not looked for: the database would not take them.
Id = Field(default=None, ge=1, le=2**63 - 1)
Text = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")


class PageQuery(TeamQuery):
    """Which part of a list is asked for; since is included, until is not."""

    since: Moment | None = None
    until: Moment | None = None
    limit: int = Field(50, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, max_length=200, description="The page before told it.")


class AttemptQuery(PageQuery):
    """Which attempts are asked for."""

    by: Literal["seen", "ended"] = Field(
        "seen",
        description="Which time orders the list, and since and until are of. seen: when Scenewatch "
        "first saw it. ended: only what has ended.",
    )
    server: int | None = Id
    prompt_id: str | None = Text
    status: list[Status] = Field(default=[], description="Any of them; may be given repeatedly.")
    outcome: list[Outcome] = Field(default=[], description="Any of them; may be given repeatedly.")
    run: int | None = Id
    run_external_id: str | None = Field(
        None, max_length=200, pattern=r"^[^\x00]*$", description="The run_id of the submitter."
    )
    source: str = Field(
        "default", max_length=80, pattern=r"^[^\x00]*$", description="Whose run_external_id it is."
    )
    scene: int | None = Id
    scene_external_id: str | None = Text


class ActivityQuery(PageQuery):
    """Which lines of activity are asked for."""

    server: int | None = Id
    attempt: int | None = Id
    kind: str | None = Text
    tone: Tone | None = None


class Named(Shape):
    """A server, by id and name."""

    id: int
    name: str


class RunRef(Shape):
    """The run that an attempt belongs to; external_id is its submitter's run_id."""

    id: int
    source: str
    external_id: str
    story_id: str | None


class SceneRef(Shape):
    """The scene that an attempt is at; its outcome is null while it has none."""

    id: int
    external_id: str
    outcome: Outcome | None


class AttemptError(Shape):
    """Why an attempt failed; its traceback is for operators, on the page."""

    type: str | None
    message: str | None
    node: str | None
    node_type: str | None


class AttemptOut(Shape):
    """One ComfyUI prompt. Times by ComfyUI's clock, except seen_at; durations in seconds.

    Server and prompt_id are null where only a file told of it.
    """

    id: int
    server: Named | None
    run: RunRef
    scene: SceneRef
    prompt_id: str | None
    repeat: int
    number: float | None
    attempt_number: int | None
    client_id: str | None
    submitter: str | None
    workload: str | None
    node_count: int | None
    cached_nodes: int | None
    status: Status
    outcome: Outcome | None
    outcome_grade: Grade | None
    reason: str | None
    found_later: bool
    seen_at: datetime
    submitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    waited_s: float | None
    duration_s: float | None
    error: AttemptError | None

    @classmethod
    def of(cls, row: Attempt) -> Self:
        """Return an attempt; its server, scene and run should be loaded."""
        return cls.told(row, **_parts(row))


def _parts(row: Attempt) -> dict[str, Shape | None]:
    failed = AttemptError(
        type=row.error_type,
        message=row.error_message,
        node=row.error_node,
        node_type=row.error_node_type,
    )
    return {
        "server": Named.told(row.server) if row.server else None,
        "run": RunRef.told(row.scene.run),
        "scene": SceneRef.told(row.scene),
        "error": failed if any(failed.model_dump().values()) else None,
    }


class NodeOut(Shape):
    """One node of an attempt, where a channel named it."""

    node: str
    class_type: str | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None
    cached: bool


class MemoryOut(Shape):
    """What an attempt took of one device's memory: free bytes."""

    index: int
    uuid: str | None
    name: str
    total_bytes: int | None
    free_before_bytes: int | None
    free_lowest_bytes: int | None
    free_after_bytes: int | None
    grade: Grade
    samples: int


class AttemptDetail(AttemptOut):
    """An attempt with its parts; nodes and memory are empty where nobody could tell."""

    nodes: list[NodeOut]
    memory: list[MemoryOut]

    @classmethod
    def of(cls, row: Attempt) -> Self:
        """Return an attempt; its server, scene and run should be loaded."""
        nodes = [NodeOut.told(node) for node in row.nodes.all()]
        memory = [MemoryOut.told(device) for device in row.memory.all()]
        return cls.told(row, **_parts(row), nodes=nodes, memory=memory)


class ActivityOut(Shape):
    """A line of the activity feed; its text is for people, its kind for programs."""

    id: int
    at: datetime
    server_id: int
    attempt_id: int | None
    kind: str
    tone: Tone
    text: str
    detail: str | None


class Attempts(Shape):
    """A page of attempts, newest first; next_cursor is null on the last one."""

    items: list[AttemptOut]
    next_cursor: str | None


class Activity(Shape):
    """A page of activity, newest first; next_cursor is null on the last one."""

    items: list[ActivityOut]
    next_cursor: str | None
