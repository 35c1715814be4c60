"""In which condition a server is, as a badge and, where something is wrong, a notice. Pure."""

from dataclasses import dataclass
from datetime import datetime

from telemetry.clock import seconds
from telemetry.contact import SLOW_S
from telemetry.machine import ServerState
from telemetry.text import sentence


@dataclass(frozen=True, slots=True)
class Badge:
    """A server's state: `state` sets the tone, `icon` its silhouette, `label` the word."""

    state: str
    icon: str
    label: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What is wrong with the connection: `since` and `until` tick in the browser."""

    tone: str
    icon: str
    lead: str
    text: str
    since: datetime | None = None
    until: datetime | None = None


BADGES = {
    "connecting": Badge("connecting", "s-reconnecting", "Connecting"),
    "executing": Badge("executing", "s-executing", "Executing"),
    "queued": Badge("queued", "s-queued", "Queued"),
    "idle": Badge("idle", "s-idle", "Idle"),
    "slow": Badge("stale", "s-stale", "Not answering"),
    "reconnecting": Badge("reconnecting", "s-reconnecting", "Reconnecting"),
    "polling": Badge("polling", "s-polling", "Polling"),
    "offline": Badge("offline", "s-offline", "Offline"),
    "barred": Badge("offline", "s-offline", "Not connected"),
    "disconnected": Badge("disconnected", "s-offline", "Disconnected"),
}


def condition(state: ServerState, at: datetime) -> str:
    """Return the key of BADGES that fits: reachability first, then work."""
    contact = state.contact
    if contact.barred:
        return "disconnected" if contact.by_hand else "barred"
    if contact.offline:
        return "offline"
    if contact.heard_at is None:
        return "connecting"
    unanswered_s = seconds(at, contact.unanswered_since)
    if unanswered_s is not None and unanswered_s > SLOW_S:
        return "slow"
    if not contact.socket_open and contact.retry is not None:
        return "polling" if contact.retry.polling else "reconnecting"
    if state.running_attempt() is not None:
        return "executing"
    return "queued" if state.queued_attempts() else "idle"


def notice_of(state: ServerState, key: str) -> Notice | None:
    """Return what is wrong in the condition `key`, None where all is well."""
    contact, retry = state.contact, state.contact.retry
    next_at = retry.next_at if retry else None
    reason = contact.reason or "no answer"
    work = "Its prompts may still be at work." if state.running_attempt() else ""
    if key == "barred":
        return Notice("bad", "s-failed", "Not connected", sentence(contact.barred))
    if key == "disconnected":
        return Notice("mute", "s-offline", "Disconnected by hand", sentence(contact.barred))
    if key == "offline":
        lead, text = "Offline", f"{sentence(reason)} {work}".strip()
        return Notice("bad", "s-offline", lead, text, contact.unanswered_since, next_at)
    if key == "slow":
        text = f"The values below are the last known. {work}".strip()
        return Notice("warn", "s-stale", "Not answering", text, contact.unanswered_since)
    if key in ("connecting", "reconnecting") and retry is not None:
        lead = f"Attempt {retry.attempt} of 5"
        return Notice("warn", "s-reconnecting", lead, f"{sentence(reason)} {work}", None, next_at)
    if key == "polling" and retry is not None:
        lead = "Failed to connect after 5 attempts"
        text = f"{sentence(reason)} Polled meanwhile: no steps."
        return Notice("warn", "s-polling", lead, text, None, next_at)
    if contact.socket_open and not contact.log_stream:
        text = "This server does not share its log: no steps of other people's prompts."
        return Notice("mute", "s-warn", "No log stream", text)
    return None
