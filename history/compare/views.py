"""The page that sets runs side by side."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.access import runs_in
from history.compare.choice import FEWEST, MOST, Choice, choice_of, limited
from history.compare.suggested import suggestions
from history.models import Run
from telemetry.access import team_for


@require_safe
@login_required
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the runs that the address names side by side, or how to choose some."""
    membership = team_for(request.user, slug)
    asked = choice_of(request.GET)
    found = {run.pk: run for run in runs_in(membership, asked.ids)}
    choice = limited(asked, found)
    path = reverse("compare", args=[slug])
    if not choice.problems and {"run", "add"} & request.GET.keys():
        return HttpResponseRedirect(f"{path}?{choice.query}")
    runs = [found[pk] for pk in choice.ids]
    base = found.get(choice.base or 0)
    context = {
        "team": membership.team,
        "choice": choice,
        "chosen": ",".join(str(pk) for pk in choice.ids),
        "suggestions": suggestions(membership.team, base, choice.ids),
        "alike": base is not None and base.work is not None,
        "link": request.build_absolute_uri(f"{path}?{choice.query}"),
        "is_full": len(runs) >= MOST,
        **_compared(runs, choice),
    }
    return render(request, "history/compare/page.html", context)


def _compared(runs: list[Run], choice: Choice) -> dict[str, Any]:
    if len(runs) < FEWEST:
        return {"alone": runs[0] if runs else None}
    # Here, for it loads numpy.
    from history.compare.page import compared_page

    return compared_page(runs, choice, timezone.now())
