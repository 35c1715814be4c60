"""What a file tells, as plain values. Missing is None; times are aware UTC; units are in names.

Where a class has the fields of a table, their names are the columns'. The types say what fits into
them: history/imports/own.py holds our own export against these.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from history.words import ExitReason, Level, Severity, Timer
from telemetry.words import Grade, Outcome

Word = Annotated[str, Meta(max_length=30)]
Source = Annotated[str, Meta(max_length=80)]
Card = Annotated[str, Meta(max_length=120)]
Name = Annotated[str, Meta(max_length=200)]
Identity = Annotated[str, Meta(min_length=1, max_length=200)]
Hash = Annotated[str, Meta(max_length=64)]
Model = Annotated[str, Meta(max_length=60)]
Path = Annotated[str, Meta(max_length=300)]
Message = Annotated[str, Meta(max_length=500)]
Prose = Annotated[str, Meta(max_length=20_000)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Place = Annotated[int, Meta(ge=0, le=999)]
Bytes = Annotated[int, Meta(ge=0, le=1 << 50)]
Seconds = Annotated[float, Meta(ge=0, le=366 * 86_400.0)]
Amount = Annotated[float, Meta(ge=-1e15, le=1e15)]
Moment = Annotated[datetime, Meta(tz=True)]


@dataclass(frozen=True, slots=True)
class Found:
    """Something odd: its code, where in the file, and about which scene, by external id."""

    code: Word
    level: Level
    path: Path
    message: Message
    scene: Name | None = None


@dataclass(frozen=True, slots=True)
class ToldPolicy:
    """The knobs that a script waits by; `max_polls` 0 is unlimited, `retry_budget` 0 none."""

    max_wait_s: Seconds | None = None
    max_polls: Count | None = None
    poll_interval_s: Seconds | None = None
    grace_s: Seconds | None = None
    retry_budget: Count | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ToldPolls:
    """The polls of an attempt: when, what was answered (p, s, e, or ? for another word)."""

    at: list[Moment | None] = field(default_factory=list)
    answers: str = ""
    messages: dict[int, Message] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToldNote:
    """A fallback note."""

    category: Word
    severity: Severity
    text: Prose


@dataclass(slots=True)
class ToldMemory:
    """A device's free bytes around an attempt."""

    index: Place = 0
    uuid: Source = ""
    name: Card = ""
    total_bytes: Bytes | None = None
    free_before_bytes: Bytes | None = None
    free_lowest_bytes: Bytes | None = None
    free_after_bytes: Bytes | None = None
    grade: Grade = Grade.POLLED
    samples: Count = 0


@dataclass(slots=True)
class ToldNode:
    """A node of an attempt; only our own export tells of nodes."""

    node: Name
    class_type: Name | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    duration_s: Seconds | None = None
    cached: bool = False


@dataclass(slots=True)
class ToldScript:
    """The telemetry block: how a script waited."""

    queue_began_at: Moment | None = None
    queue_ended_at: Moment | None = None
    exit_reason: Name | None = None
    history_polls: Count | None = None
    history_retrieved: bool | None = None
    history_retrieved_at: Moment | None = None
    history_seen: bool | None = None
    history_seen_at: Moment | None = None
    history_errors: list[Prose] = field(default_factory=list)
    grace_elapsed: bool | None = None
    marker_seen: bool | None = None
    marker_wait_s: Seconds | None = None
    forced_copy: bool | None = None
    interpolation_ms: Amount | None = None
    final_fps: Amount | None = None
    final_width: Count | None = None
    final_height: Count | None = None
    system_before: dict[str, Any] = field(default_factory=dict)
    system_after: dict[str, Any] = field(default_factory=dict)
    warnings: list[Prose] = field(default_factory=list)
    errors: list[Prose] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ToldAttempt:
    """One attempt at a scene. `server` is a name of the file's own, not one of ours."""

    attempt_number: Count | None = None
    prompt_id: Name = ""
    repeat: Count = 0
    number: Amount | None = None
    server: Name | None = None
    client_id: Name | None = None
    submitter: Name | None = None
    workload: Hash | None = None
    node_count: Count | None = None
    extra_data: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome | None = None
    outcome_grade: Grade | None = None
    reason: Name = ""
    found_later: bool = False
    submitted_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    waited_s: Seconds | None = None
    duration_s: Seconds | None = None
    timed_by: Timer = Timer.SCRIPT
    cached_nodes: Count | None = None
    frames: Count | None = None
    error_type: Name | None = None
    error_message: Prose | None = None
    error_node: Name | None = None
    error_node_type: Name | None = None
    traceback: Prose | None = None
    script: ToldScript | None = None
    polls: ToldPolls | None = None
    memory: list[ToldMemory] = field(default_factory=list)
    nodes: list[ToldNode] = field(default_factory=list)
    notes: list[ToldNote] = field(default_factory=list)


@dataclass(slots=True)
class ToldSceneReport:
    """What is told of a scene beside its attempts."""

    prompt: Prose | None = None
    negative_prompt: Prose | None = None
    story: dict[str, Any] = field(default_factory=dict)
    video: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, Any] = field(default_factory=dict)
    warnings: list[Prose] = field(default_factory=list)
    errors: list[Prose] = field(default_factory=list)
    success_flag: bool | None = None
    floor_flag: bool | None = None
    requeued_flag: bool | None = None
    attempts_told: Count | None = None
    frames_told: Count | None = None
    frames_assumed: bool = False


@dataclass(slots=True)
class ToldScene:
    """A scene; its outcome is that of its attempts, or skipped where it has none."""

    external_id: Identity
    title: Name | None = None
    outcome: Outcome | None = None
    frame_floor: Count | None = None
    history_polls: Count | None = None
    exit_reason: ExitReason | None = None
    gpu_model: Model | None = None
    policy: ToldPolicy | None = None
    report: ToldSceneReport = field(default_factory=ToldSceneReport)
    attempts: list[ToldAttempt] = field(default_factory=list)


@dataclass(slots=True)
class ToldRunReport:
    """What is told of a run beside its scenes."""

    story: dict[str, Any] = field(default_factory=dict)
    llm: dict[str, Any] = field(default_factory=dict)
    health_check: dict[str, Any] = field(default_factory=dict)
    tests: dict[str, Any] = field(default_factory=dict)
    helpers: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, Any] = field(default_factory=dict)
    warnings: list[Prose] = field(default_factory=list)


@dataclass(slots=True)
class ToldRun:
    """A run as one file, or a file and its summary, tell it.

    `content` is what was read, without poll logs; `sha256` is that of all of it. `source` is None
    where the file names none. `began_at` is None where nothing in the file tells it.
    """

    kind: Word
    external_id: Identity
    source: Source | None = None
    story_id: Name | None = None
    title: Name | None = None
    submitter: Name | None = None
    began_at: Moment | None = None
    told_at: Moment | None = None
    archived_at: Moment | None = None
    policy: ToldPolicy | None = None
    report: ToldRunReport = field(default_factory=ToldRunReport)
    scenes: list[ToldScene] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)
    sha256: str = ""
    content: Any = None
