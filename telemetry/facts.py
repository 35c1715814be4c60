"""A server's state as data, for programs: what its card shows, in numbers. Pure.

The collector retains it beside the card's parts under a name that no element has: the stores keep
it, and no viewer is sent it. The shapes are those of the API's /live. Times are by our clock, like
those on the card; None is unknown, never 0.
"""

from datetime import datetime, timedelta
from typing import Any

from telemetry.api_shapes import Shape
from telemetry.attempt import AttemptState
from telemetry.condition import condition, notice_of
from telemetry.device_rows import device_name, memory_of
from telemetry.hot import Patch
from telemetry.leases import Leased
from telemetry.machine import ServerState
from telemetry.outlook import Eta, queue_etas, running_eta
from telemetry.protocol import Device
from telemetry.titles import title_of
from telemetry.words import Grade, Outcome

# Queues of thousands exist; a program that wants them all asks for the attempts.
QUEUED_LIMIT = 20
NAME = "facts"


class EtaFacts(Shape):
    """When an attempt should end, by the last `count` of its workload.

    All times are null once it took longer than each of those.
    """

    at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    count: int


class StepFacts(Shape):
    """A progress bar: value of total steps; `at` is when it was told."""

    value: float | None
    total: float | None
    rate_per_s: float | None
    grade: Grade
    at: datetime


class PromptFacts(Shape):
    """A prompt: which, of what, and whose. `run_id` and the like are the submitter's words."""

    prompt_id: str
    repeat: int
    title: str
    run_id: str | None
    scene_id: str | None
    story_id: str | None
    submitter: str | None
    workload: str | None


class QueuedFacts(PromptFacts):
    """A prompt that waits; no eta where it, or one before it, is of unknown length."""

    submitted_at: datetime | None
    eta: EtaFacts | None


class RunningFacts(QueuedFacts):
    """The prompt at work; node and step only where a channel told them."""

    started_at: datetime | None
    node: str | None
    class_type: str | None
    phase: str | None
    step: StepFacts | None


class EndedFacts(PromptFacts):
    """A prompt that ended lately."""

    outcome: Outcome
    reason: str | None
    ended_at: datetime | None
    duration_s: float | None
    found_later: bool


class DeviceFacts(Shape):
    """A device now: bytes, percent 0 to 100, degrees Celsius, watts; `grade` is of the memory."""

    index: int
    name: str
    kind: str
    vram_total_bytes: int | None
    vram_free_bytes: int | None
    grade: Grade
    utilisation_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    lost: bool = False


class ServerFacts(Shape):
    """What is known of a server now; `told_at` is when the collector last said so."""

    condition: str = "connecting"
    problem: str | None = None
    told_at: datetime | None = None
    heard_at: datetime | None = None
    comfyui_version: str | None = None
    recorded: bool = True
    queued_count: int | None = None
    running: RunningFacts | None = None
    queued: list[QueuedFacts] = []
    ended: list[EndedFacts] = []
    devices: list[DeviceFacts] = []


def facts_of(state: ServerState, at: datetime, unrecorded: bool = False) -> ServerFacts:
    """Return what is known of a server as it stands at `at`."""
    key = condition(state, at)
    notice, waiting = notice_of(state, key), state.queued_attempts()
    running = state.running_attempt()
    told = waiting[:QUEUED_LIMIT]
    etas = queue_etas(state, told, at)
    return ServerFacts(
        condition=key,
        problem=f"{notice.lead}. {notice.text}" if notice else None,
        told_at=at,
        heard_at=state.contact.heard_at,
        comfyui_version=state.stats.comfyui_version if state.stats else None,
        recorded=not unrecorded,
        queued_count=len(waiting) if state.queue_known else None,
        running=_running(state, running, at) if running else None,
        queued=[_queued(state, a, etas.get(a.key.prompt_id)) for a in told],
        ended=[_ended(state, attempt) for attempt in state.recent],
        devices=_devices(state, at),
    )


def facts_patch(leased: Leased, facts: ServerFacts) -> Patch:
    """Return facts as the store retains them."""
    return element_of(leased.server_id), NAME, facts.model_dump_json()


def element_of(server_id: int) -> str:
    """Return the name under which a server's facts are retained; it goes with the server's."""
    return f"server-{server_id}-{NAME}"


def _prompt(attempt: AttemptState) -> dict[str, Any]:
    words = attempt.identity.words
    return {
        "prompt_id": attempt.key.prompt_id,
        "repeat": attempt.key.repeat,
        "title": str(title_of(attempt.key, attempt.identity)),
        "run_id": words.get("run_id"),
        "scene_id": words.get("scene_id"),
        "story_id": words.get("story_id"),
        "submitter": attempt.identity.submitter,
        "workload": attempt.facts.workload,
    }


def _queued(state: ServerState, attempt: AttemptState, eta: Eta | None) -> QueuedFacts:
    since = _ours(state, attempt.submitted_at)
    return QueuedFacts(**_prompt(attempt), submitted_at=since, eta=_eta(eta))


def _running(state: ServerState, attempt: AttemptState, at: datetime) -> RunningFacts:
    return RunningFacts(
        **_prompt(attempt),
        submitted_at=_ours(state, attempt.submitted_at),
        eta=_eta(running_eta(state, attempt, at)),
        started_at=_ours(state, attempt.started_at),
        node=attempt.node,
        class_type=attempt.class_of(attempt.node),
        phase=attempt.phase,
        step=StepFacts.told(attempt.step) if attempt.step else None,
    )


def _ended(state: ServerState, attempt: AttemptState) -> EndedFacts:
    assert attempt.end is not None
    end = attempt.end
    reason = end.reason or (end.fault.message if end.fault else None) or ""
    return EndedFacts(
        **_prompt(attempt),
        outcome=end.outcome,
        reason=reason.partition("\n")[0][:300] or None,
        ended_at=_ours(state, end.ended_at),
        duration_s=attempt.duration_s if end.outcome is not Outcome.LOST else None,
        found_later=end.found_later,
    )


def _ours(state: ServerState, at: datetime | None) -> datetime | None:
    """Return a time of ComfyUI's clock by ours, as far as the difference is known."""
    return at - timedelta(seconds=state.skew_s or 0.0) if at else None


def _eta(eta: Eta | None) -> EtaFacts | None:
    if eta is None:
        return None
    times = (None, None, None) if eta.overdue else (eta.middle, eta.earliest, eta.latest)
    at, earliest, latest = times
    return EtaFacts(at=at, earliest_at=earliest, latest_at=latest, count=eta.count)


def _devices(state: ServerState, at: datetime) -> list[DeviceFacts]:
    told = state.stats.devices if state.stats else ()
    return [_device(state, place, device, at) for place, device in enumerate(told)]


def _device(state: ServerState, place: int, device: Device, at: datetime) -> DeviceFacts:
    card = state.gpus.reading(place, at)
    total, free, grade = memory_of(device, card)
    facts = DeviceFacts(
        index=device.index if device.index is not None else place,
        name=device_name(device),
        kind=device.type or "unknown",
        vram_total_bytes=total,
        vram_free_bytes=free,
        grade=grade,
    )
    if card is None:
        return facts
    sensors = ("utilisation_percent", "temperature_c", "power_w", "lost")
    return facts.model_copy(update={name: getattr(card, name) for name in sensors})
