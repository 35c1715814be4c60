"""The record, by subject: runs, scenes, attempts; what files told; GPUs; what else happened."""

from history.models.activity import ActivityEvent, PurgeState, RunWatch, TeamStorage
from history.models.attempts import (
    Attempt,
    AttemptMemory,
    AttemptOutputs,
    AttemptQuerySet,
    Graph,
    NodeExecution,
    Resubmission,
)
from history.models.choices import (
    EXIT_REASONS,
    FAILURE_STATES,
    GRADES,
    LEVELS,
    ORIGINS,
    OUTCOMES,
    SEVERITIES,
    STATUSES,
    TIMERS,
    TONES,
)
from history.models.failures import FailureDecision, FailureFamily, FailureOccurrence
from history.models.findings import FallbackNote, Finding, RunDecision, RunNote
from history.models.gpus import GpuSample
from history.models.policies import QueuePolicy
from history.models.reports import PollLog, RunReport, RunRevision, SceneReport, ScriptReport
from history.models.runs import Run, RunServer
from history.models.scenes import Scene
from history.models.workloads import Workload

__all__ = [
    "EXIT_REASONS",
    "FAILURE_STATES",
    "GRADES",
    "LEVELS",
    "ORIGINS",
    "OUTCOMES",
    "SEVERITIES",
    "STATUSES",
    "TIMERS",
    "TONES",
    "ActivityEvent",
    "Attempt",
    "AttemptMemory",
    "AttemptOutputs",
    "AttemptQuerySet",
    "FailureDecision",
    "FailureFamily",
    "FailureOccurrence",
    "FallbackNote",
    "Finding",
    "GpuSample",
    "Graph",
    "NodeExecution",
    "PollLog",
    "PurgeState",
    "QueuePolicy",
    "Resubmission",
    "Run",
    "RunDecision",
    "RunNote",
    "RunReport",
    "RunRevision",
    "RunServer",
    "RunWatch",
    "Scene",
    "SceneReport",
    "ScriptReport",
    "TeamStorage",
    "Workload",
]
