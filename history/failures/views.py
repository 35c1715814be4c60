"""The pages of a team's failures: the list, a family, and what is decided about it."""

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from history.access import failure_in
from history.failures.lists import families_of, listed
from history.failures.page import page_of
from history.keyset import page_or_first, query_at
from history.models import FailureDecision, FailureFamily
from history.words import STATE_LABELS, FailureState
from telemetry.access import Person, team_for
from telemetry.models import Role

PAGE_SIZE = 25
ORDERS = {"newest": ("Newest", "last_seen_at"), "most": ("Most frequent", "count")}
# What the buttons do, by the state that they lead to, and what is said then.
DEEDS = {
    "resolve": (FailureState.RESOLVED, "Resolved. It opens again when it is seen again."),
    "ignore": (FailureState.IGNORED, "Ignored until somebody reopens it."),
    "reopen": (FailureState.OPEN, "Reopened."),
}


@require_safe
@login_required
def failures(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team's families of failures: the open ones, newest first, unless asked otherwise."""
    team = team_for(request.user, slug).team
    problems: list[str] = []
    state = _choice(request, "state", STATE_LABELS, "open", problems)
    order = _choice(request, "order", ORDERS, "newest", problems)
    families = families_of(team)
    counts = dict(families.order_by().values_list("state").annotate(n=Count("pk")))
    found, following, problem = page_or_first(
        families.filter(state=state), ORDERS[order][1], request.GET.get("cursor"), PAGE_SIZE
    )
    context = {
        "team": team,
        "state": state,
        "order": order,
        "states": [
            (name.value, label, counts.get(name.value, 0), query_at(request.GET, state=name.value))
            for name, label in STATE_LABELS.items()
        ],
        "orders": [
            (name, label, query_at(request.GET, order=name)) for name, (label, _) in ORDERS.items()
        ],
        "rows": listed(found),
        "any": bool(counts),
        "problems": [*problems, problem] if problem else problems,
        "following": following and query_at(request.GET, cursor=following),
        "first": query_at(request.GET) if "cursor" in request.GET else None,
    }
    return render(request, "history/failures.html", context)


def _choice(
    request: HttpRequest, name: str, choices: Iterable[str], usual: str, problems: list[str]
) -> str:
    """Return what the address chooses; what is no choice is told, and the usual one holds."""
    told, known = request.GET.get(name, usual), [str(choice) for choice in choices]
    if told in known:
        return told
    problems.append(f"There is no {name} “{told[:40]}”, only {', '.join(known)}: this is {usual}.")
    return usual


@require_safe
@login_required
def failure(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a family: what happened, where, how often, and what was decided about it."""
    membership, family = failure_in(request.user, slug, pk)
    may_act = membership.may(Role.OPERATOR)
    context = {
        "team": membership.team,
        "family": family,
        "may_act": may_act,
        "deeds": [name for name, (state, _) in DEEDS.items() if state != family.state],
        **page_of(family, timezone.now(), with_traceback=may_act),
    }
    return render(request, "history/failure.html", context)


@require_POST
@login_required
def decide(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Resolve, ignore or reopen a family; doing so twice changes nothing."""
    _, family = failure_in(request.user, slug, pk, Role.OPERATOR)
    deed = DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        messages.error(request, f"Choose one of: {', '.join(DEEDS)}.")
        return redirect("failure", slug, pk)
    state, words = deed
    with transaction.atomic():
        _decide(family.pk, state, request.user)
    messages.success(request, words)
    return redirect("failure", slug, pk)


def _decide(pk: int, state: FailureState, user: Person) -> None:
    family = FailureFamily.objects.select_for_update().get(pk=pk)
    if family.state == state:
        return
    at, who = timezone.now(), user.get_username()[:150]
    family.state, family.state_at, family.state_who = state, at, who
    family.state_by_id = user.pk
    family.save(update_fields=["state", "state_at", "state_by", "state_who"])
    FailureDecision.objects.create(family=family, at=at, user_id=user.pk, who=who, state=state)
