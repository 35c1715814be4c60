"""The choices of columns: the domain's words and what they are called on pages."""

from history.words import (
    CHANGE_LABELS,
    EXIT_LABELS,
    ORIGIN_LABELS,
    SPAN_LABELS,
    STATE_LABELS,
    TIMER_LABELS,
    ExitReason,
    FailureState,
    Level,
    Origin,
    RunChange,
    Severity,
    Span,
    Timer,
    Warmth,
)
from telemetry.words import (
    GRADE_LABELS,
    OUTCOME_LABELS,
    STATUS_LABELS,
    Grade,
    Outcome,
    Status,
    Tone,
)

OUTCOMES = [(outcome.value, OUTCOME_LABELS[outcome]) for outcome in Outcome]
STATUSES = [(status.value, STATUS_LABELS[status]) for status in Status]
GRADES = [(grade.value, GRADE_LABELS[grade]) for grade in Grade]
TONES = [(tone.value, tone.value) for tone in Tone]
ORIGINS = [(origin.value, ORIGIN_LABELS[origin]) for origin in Origin]
TIMERS = [(timer.value, TIMER_LABELS[timer]) for timer in Timer]
EXIT_REASONS = [(reason.value, EXIT_LABELS[reason]) for reason in ExitReason]
SEVERITIES = [(severity.value, severity.value) for severity in Severity]
LEVELS = [(level.value, level.value) for level in Level]
WARMTHS = [(warmth.value, warmth.value) for warmth in Warmth]
SPANS = [(span.value, SPAN_LABELS[span]) for span in Span]
RUN_CHANGES = [(change.value, CHANGE_LABELS[change]) for change in RunChange]
FAILURE_STATES = [(state.value, STATE_LABELS[state]) for state in FailureState]
