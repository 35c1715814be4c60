"""The page that sets runs side by side."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.access import runs_in
from history.charts.answers import chart_data, chart_page
from history.charts.parts import Chart
from history.charts.places import Place, place
from history.compare.choice import CHART, FEWEST, MOST, Choice, choice_of, limited, query_of
from history.compare.suggested import suggestions
from history.models import Run
from telemetry.access import team_for
from telemetry.models import Membership


@require_safe
@login_required
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the runs that the address names side by side, or how to choose some."""
    membership = team_for(request.user, slug)
    choice, found = _found(membership, request)
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
        "chart": _place(slug, choice) if len(runs) >= FEWEST else None,
        **_compared(runs, choice),
    }
    return render(request, "history/compare/page.html", context)


def _found(membership: Membership, request: HttpRequest) -> tuple[Choice, dict[int, Run]]:
    """Return what the address asks for and the team has."""
    asked = choice_of(request.GET)
    found = {run.pk: run for run in runs_in(membership, asked.ids)}
    return limited(asked, found), found


def _place(slug: str, choice: Choice) -> Place:
    told = place("times", CHART, "compare_chart", "compare_table", slug=slug)
    query = query_of(choice.ids, choice.base)
    return replace(told, data=f"{told.data}?{query}", page=f"{told.page}?{query}")


@require_safe
@login_required
def compare_chart(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Answer with the times of the scenes as a chart's data."""
    return chart_data(request, _times(*_found(team_for(request.user, slug), request)))


@require_safe
@login_required
def compare_table(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the times of the scenes as a table."""
    membership = team_for(request.user, slug)
    choice, found = _found(membership, request)
    back = f"{reverse('compare', args=[slug])}?{choice.query}", "Compare"
    return chart_page(request, _times(choice, found), membership.team, back)


def _times(choice: Choice, found: dict[int, Run]) -> Chart:
    # Here, for it loads numpy.
    from history.compare.times import times_of

    if choice.base is None:
        raise Http404
    return times_of([found[pk] for pk in choice.ids], choice.ids.index(choice.base))


def _compared(runs: list[Run], choice: Choice) -> dict[str, Any]:
    if len(runs) < FEWEST:
        return {"alone": runs[0] if runs else None}
    # Here, for it loads numpy.
    from history.compare.page import compared_page

    return compared_page(runs, choice, timezone.now())
