"""The addresses of a run's charts: the data of one, and its table as a page."""

from collections.abc import Callable
from dataclasses import replace

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from history.access import run_in
from history.charts.answers import chart_data, chart_page
from history.charts.parts import Chart
from history.charts.places import Place, place
from history.models import Run
from history.run_charts.polls import polls_in, polls_of
from history.run_charts.reading import TITLES, Compared, compared, name_of
from telemetry.access import team_for


def _charts() -> dict[str, Callable[[Compared], Chart]]:
    # Here, for duration loads numpy.
    from history.run_charts.duration import dated_duration_of
    from history.run_charts.memory import memory_of
    from history.run_charts.success import success_of

    return {"duration": dated_duration_of, "success": success_of, "memory": memory_of}


def places_of(run: Run, slug: str) -> list[Place]:
    """Return where the charts of a run stand; asks nothing of the database."""
    # What of the run itself is drawn; while it goes on nothing of it changes but by an end.
    parts = (run.scene_count, run.open_count, run.success_count, run.outcome, run.revision)
    version, of = "-".join(map(str, parts)), {"slug": slug, "pk": run.pk}
    places = [
        place(name, title, "run_chart", "run_chart_page", name=name, **of)
        for name, title in TITLES.items()
    ]
    return [replace(one, version=version) for one in places]


@require_safe
@login_required
def run_chart(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponseBase:
    """Answer with one chart of a run as data."""
    run = run_in(team_for(request.user, slug), pk)
    return chart_data(request, _chart(run, name))


@require_safe
@login_required
def poll_chart(request: HttpRequest, slug: str, pk: int, attempt: int) -> HttpResponseBase:
    """Answer with the polls of an attempt of a run as data."""
    run = run_in(team_for(request.user, slug), pk)
    return chart_data(request, polls_of(polls_in(run, attempt)))


@require_safe
@login_required
def poll_chart_page(request: HttpRequest, slug: str, pk: int, attempt: int) -> HttpResponse:
    """Show the polls of an attempt of a run as a table."""
    membership = team_for(request.user, slug)
    run = run_in(membership, pk)
    back = reverse("run_page", args=[slug, pk]), name_of(run)
    return chart_page(request, polls_of(polls_in(run, attempt)), membership.team, back)


@require_safe
@login_required
def run_chart_page(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponse:
    """Show the values of one chart of a run as a table."""
    membership = team_for(request.user, slug)
    run = run_in(membership, pk)
    back = reverse("run_page", args=[slug, pk]), name_of(run)
    return chart_page(request, _chart(run, name), membership.team, back)


def _chart(run: Run, name: str) -> Chart:
    made = _charts().get(name)
    if made is None:
        raise Http404
    return made(compared(run))
