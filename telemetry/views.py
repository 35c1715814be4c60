"""The pages of people and teams."""

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from telemetry import sign_in, wall_page
from telemetry.access import server_for, team_for, teams_for
from telemetry.models import ClientClaim, Membership

# A link signs in whom it was made for, without asking for the password that axes would count.
SIGN_IN_BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the wall of the user's first team, or say that there is none yet."""
    team = teams_for(request.user).first()
    if team is None:
        return render(request, "telemetry/no_team.html")
    return redirect("live", team.slug)


@require_safe
@login_required
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the team's servers and what happens on them now."""
    membership = team_for(request.user, slug)
    context = {**wall_page.context(membership.team), **wall_page.viewer(membership)}
    return render(request, "telemetry/live.html", {**context, "membership": membership})


@require_safe
@login_required
def server(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to a server's page: cards are drawn once for everybody, and know no team."""
    found = server_for(request.user, pk)
    return redirect("server_page", found.team.slug, found.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in who presses the button; looking does nothing, for link previews look too."""
    if request.method != "POST":
        return _sign_in_page(request, token)
    user = sign_in.use(token)
    if user is None:
        return _sign_in_page(request, token)
    login(request, user, SIGN_IN_BACKEND)
    return redirect("home")


def _sign_in_page(request: HttpRequest, token: str) -> HttpResponse:
    user = sign_in.peek(token)
    context = {"user_to_sign_in": user, "token": token, "expired": user is None}
    return render(request, "registration/sign_in_link.html", context, status=200 if user else 410)


@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: HttpRequest) -> HttpResponseBase:
    """Change the password; who came by a link and has none yet sets the first one."""
    first = request.user.is_authenticated and not request.user.has_usable_password()
    form_class = SetPasswordForm if first else PasswordChangeForm
    return PasswordChangeView.as_view(form_class=form_class)(request)


class ClaimForm(forms.Form):
    """A ComfyUI client_id, to be claimed or released."""

    client_id = forms.CharField(max_length=200)
    release = forms.BooleanField(required=False)


@require_POST
@login_required
def claim_client_id(request: HttpRequest, slug: str) -> HttpResponse:
    """Note that what a client_id submits in this team is the member's own, or no longer."""
    membership = team_for(request.user, slug)
    form = ClaimForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Name the client_id: 1 to 200 characters.")
    elif form.cleaned_data["release"]:
        _release(request, membership, form.cleaned_data["client_id"])
    else:
        _claim(request, membership, form.cleaned_data["client_id"])
    return redirect("live", slug)


def _claim(request: HttpRequest, membership: Membership, client_id: str) -> None:
    team, user = membership.team, membership.user
    with transaction.atomic():
        # A claim ends with the membership of who made it.
        stale = ClientClaim.objects.filter(team=team, client_id=client_id)
        stale.exclude(user__memberships__team=team).delete()
        claim, _ = ClientClaim.objects.select_related("user").get_or_create(
            team=team, client_id=client_id, defaults={"user": user}
        )
    if claim.user_id != user.pk:
        messages.error(request, f"{client_id} is already claimed by {claim.user}.")
        return
    messages.success(request, f"{client_id} is yours now.")


def _release(request: HttpRequest, membership: Membership, client_id: str) -> None:
    claims = ClientClaim.objects.filter(team=membership.team, client_id=client_id)
    if not claims.filter(user=membership.user).delete()[0]:
        messages.error(request, f"{client_id} is not claimed by you.")
        return
    messages.success(request, f"{client_id} is no longer yours.")
