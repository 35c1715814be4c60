"""What members do to a server by pressing a button; each leaves an entry in the audit.

Operators act upon prompts, admins upon the connection. A refusal or a failure is an entry too, for
who looks for the reason of something later wants to know what was tried.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from telemetry import audit, prompts
from telemetry.access import server_in
from telemetry.models import Action, BlindWindow, Role, Server
from telemetry.prompts import Done

SILENCE = timedelta(hours=1)
BY_HAND = "disconnected by hand"


@require_POST
@login_required
def interrupt_prompt(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Interrupt the prompt that is named, if it still runs."""
    server = server_in(request.user, slug, pk, Role.OPERATOR)
    return _act_on_prompt(request, server, Action.INTERRUPT, prompts.interrupt)


@require_POST
@login_required
def cancel_prompt(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take the prompt that is named out of the queue, if it still waits."""
    server = server_in(request.user, slug, pk, Role.OPERATOR)
    return _act_on_prompt(request, server, Action.CANCEL, prompts.cancel)


def _act_on_prompt(
    request: HttpRequest,
    server: Server,
    action: Action,
    act: Callable[[Server, str], Awaitable[Done]],
) -> HttpResponse:
    prompt_id = request.POST.get("prompt_id", "")
    if not prompt_id or len(prompt_id) > 200:
        result = Done(False, "No prompt was named: press the button beside the prompt.")
    else:
        result = async_to_sync(act)(server, prompt_id)
    audit.note(request.user, server, action, prompt_id, result.text, done=result.done)
    tell = messages.success if result.done else messages.warning
    tell(request, f"Prompt {prompt_id[:8]}: {result.text}")
    return redirect("server_page", server.team.slug, server.pk)


@require_POST
@login_required
def change_connection(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Connect, disconnect, silence a server or end its silence; doing so twice changes nothing."""
    server = server_in(request.user, slug, pk, Role.ADMIN)
    change = CHANGES.get(request.POST.get("do", ""))
    if change is None:
        messages.error(request, f"Choose one of: {', '.join(CHANGES)}.")
        return redirect("server_page", slug, pk)
    act, action, words = change
    with transaction.atomic():
        locked = Server.objects.select_for_update().get(pk=pk)
        act(locked, timezone.now())
        audit.note(request.user, server, action)
    messages.success(request, f"{server.name}: {words}")
    return redirect("server_page", slug, pk)


def _connect(server: Server, at: datetime) -> None:
    """Follow the server again; the time between is a blind window."""
    if server.paused_at is None:
        return
    BlindWindow.objects.update_or_create(
        server=server,
        began_at=server.paused_at,
        defaults={"ended_at": at, "reason": BY_HAND},
    )
    server.paused_at = None
    server.save(update_fields=["paused_at"])


def _disconnect(server: Server, at: datetime) -> None:
    if server.paused_at is None:
        server.paused_at = at
        server.save(update_fields=["paused_at"])


def _silence(server: Server, at: datetime) -> None:
    server.silenced_until = at + SILENCE
    server.save(update_fields=["silenced_until"])


def _speak(server: Server, at: datetime) -> None:
    server.silenced_until = None
    server.save(update_fields=["silenced_until"])


Change = tuple[Callable[[Server, datetime], None], Action, str]
CHANGES: dict[str, Change] = {
    "connect": (_connect, Action.CONNECT, "connected again, within 2 seconds."),
    "disconnect": (_disconnect, Action.DISCONNECT, "disconnected until somebody connects it."),
    "silence": (_silence, Action.SILENCE, "silenced for an hour; it is watched all the same."),
    "speak": (_speak, Action.SPEAK, "asks for attention again."),
}
