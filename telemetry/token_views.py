"""Settings > API tokens: a member's own, to a team admin all of the team's."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from telemetry.access import team_for, token_for, tokens_for
from telemetry.clock import now
from telemetry.models import ApiToken, Membership, Scope
from telemetry.tokens import LISTED_FOR, RoleTooLow, expiry, make_token, revoke

DAYS = [("7", "in 7 days"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year")]
NEVER = ("", "never")
SCOPE_CHOICES = [
    (Scope.READ, "Read: servers, attempts, activity, the live wall"),
    (Scope.WRITE, "Read and write (operators)"),
    (Scope.INGEST, "Ingest only: hand in what happened, read nothing (operators)"),
]


class TokenForm(forms.Form):
    """What a new token is called and for, and how long it is good."""

    name = forms.CharField(
        max_length=60,
        help_text="What uses it, so that you know it again: nightly-report.",
        error_messages={"required": "Give the token a name."},
    )
    scope = forms.ChoiceField(choices=SCOPE_CHOICES, initial=Scope.READ)
    days = forms.ChoiceField(choices=[*DAYS, NEVER], initial="90", required=False, label="Expires")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def tokens(request: HttpRequest, slug: str) -> HttpResponse:
    """List the tokens; a POST makes one, which this one answer shows and nothing ever again."""
    membership = team_for(request.user, slug)
    if request.method != "POST":
        return _page(request, membership, TokenForm(label_suffix=""))
    form = TokenForm(request.POST, label_suffix="")
    text = _made(form, membership)
    if text is None:
        return _page(request, membership, form)
    return _page(request, membership, TokenForm(label_suffix=""), text=text)


def _made(form: TokenForm, membership: Membership) -> str | None:
    """Return the text of the token that the form makes; None where it says what is wrong."""
    if not form.is_valid():
        return None
    asked = form.cleaned_data
    expires_at = expiry(now(), int(asked["days"] or 0))
    try:
        return make_token(membership, asked["name"], Scope(asked["scope"]), expires_at)[1]
    except RoleTooLow as error:
        form.add_error("scope", str(error))
        return None


def _page(
    request: HttpRequest,
    membership: Membership,
    form: TokenForm,
    text: str | None = None,
) -> HttpResponse:
    at = now()
    listed = [token for token in tokens_for(membership) if _listed(token)]
    context: dict[str, Any] = {
        "team": membership.team,
        "membership": membership,
        "form": form,
        "text": text,
        "rows": [{"token": token, "ended_at": token.ended_at(at)} for token in listed],
    }
    return render(request, "telemetry/tokens.html", context)


def _listed(token: ApiToken) -> bool:
    ended_at = token.ended_at(now())
    return ended_at is None or ended_at > now() - LISTED_FOR


@require_POST
@login_required
def revoke_token(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """End a token for good; what it holds open is closed within a minute."""
    token = token_for(request.user, slug, pk)
    revoke(token, now())
    messages.success(request, f"{token.name} ({token}) opens nothing any more.")
    return redirect("tokens", slug)
