"""The page that submits a server's lost prompts again, once they were counted and confirmed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from history.models import Attempt
from history.resubmit import AT_ONCE, Result, lost_on, submit_again
from history.server_record import title_of_attempt
from telemetry import audit
from telemetry.access import server_in
from telemetry.models import Action, Role, Server


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lost_prompts(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show which lost prompts would be submitted again, and submit those that were shown."""
    server = server_in(request.user, slug, pk, Role.OPERATOR)
    if request.method != "POST":
        return _confirm(request, server)
    shown = [word for word in request.POST.getlist("attempt")[:AT_ONCE] if _is_key(word)]
    result = _submit(server, list(lost_on(server, timezone.now()).filter(pk__in=shown)))
    done = result.taken > 0
    audit.note(request.user, server, Action.RESUBMIT, outcome=result.text, done=done)
    (messages.success if done and not result.said else messages.warning)(request, result.text)
    return redirect("server_page", slug, pk)


def _is_key(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 19


def _submit(server: Server, wanted: list[Attempt]) -> Result:
    if server.paused_at is not None:
        return Result(said=[f"{server.name} is disconnected: connect it first."])
    if not wanted:
        return Result(said=["None of them was left: somebody did that already."])
    return submit_again(server, wanted)


def _confirm(request: HttpRequest, server: Server) -> HttpResponse:
    lost = lost_on(server, timezone.now())
    rows = [{"attempt": a, "title": title_of_attempt(a)} for a in lost[:AT_ONCE]]
    context = {"team": server.team, "server": server, "rows": rows, "total": lost.count()}
    return render(request, "history/lost.html", context)
