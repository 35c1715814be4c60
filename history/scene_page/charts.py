"""How long a scene took, over the scenes of its baseline: data, table, and where that stands."""

from collections.abc import Sequence

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.access import scene_in
from history.baseline.ladder import Rung
from history.charts.answers import chart_data, chart_page
from history.charts.parts import Axis, Chart, Kind, Series, Unit, Value
from history.charts.places import Place, place
from history.judged.judging import Judged, judge_scene
from history.judged.words import delta_of
from history.models import Scene
from history.run_charts.reading import name_of
from telemetry.access import team_for
from telemetry.text import duration, plural

TITLES = {"duration": "Its time over earlier runs"}


def places_of(scene: Scene, slug: str) -> list[Place]:
    """Return where the charts of a scene stand; asks nothing of the database."""
    of = {"slug": slug, "run_pk": scene.run_id, "pk": scene.pk}
    return [
        place(name, title, "scene_chart", "scene_chart_page", name=name, **of)
        for name, title in TITLES.items()
    ]


@require_safe
@login_required
def scene_chart(
    request: HttpRequest, slug: str, run_pk: int, pk: int, name: str
) -> HttpResponseBase:
    """Answer with one chart of a scene as data."""
    scene = scene_in(team_for(request.user, slug), run_pk, pk)
    return chart_data(request, _chart(scene, name))


@require_safe
@login_required
def scene_chart_page(
    request: HttpRequest, slug: str, run_pk: int, pk: int, name: str
) -> HttpResponse:
    """Show the values of one chart of a scene as a table."""
    membership = team_for(request.user, slug)
    scene = scene_in(membership, run_pk, pk)
    back = reverse("scene_page", args=[slug, run_pk, pk]), scene.external_id
    return chart_page(request, _chart(scene, name), membership.team, back)


def _chart(scene: Scene, name: str) -> Chart:
    if name not in TITLES:
        raise Http404
    from history.run_charts.steps import with_steps  # here, for it loads numpy

    judged = judge_scene(scene, timezone.now())
    ids = [int(str(pk)) for pk in judged.baseline.ids]
    found = Scene.objects.select_related("run").in_bulk(ids)
    chart = duration_of(scene, judged, [found.get(pk) for pk in ids])
    on = {one.server_id for one in (scene, *found.values()) if one.server_id is not None}
    return with_steps(chart, judged.baseline, sorted(on), "such scenes take")


def duration_of(scene: Scene, judged: Judged, earlier: Sequence[Scene | None]) -> Chart:
    """Return the line of the baseline's scenes, oldest first, and of this one. Pure.

    A scene that went between two questions is left out.
    """
    from history.run_charts.duration import usual_of  # here, for it loads numpy

    pairs = [(one, took) for one, took in zip(earlier, judged.baseline.values, strict=True) if one]
    values = [_value(place, one, took) for place, (one, took) in enumerate(pairs)]
    own = judged.work.value
    if own is not None:
        values.append(_value(len(pairs), scene, own, is_this=True))
    scaled = judged.baseline.rung is Rung.SCALED
    return Chart(
        Kind.LINES,
        TITLES["duration"],
        _finding(scene, judged),
        Axis("Time of the scene", Unit.SECONDS, from_zero=False),
        (Series("Scene", tuple(values)),),
        usual=usual_of([took for _, took in pairs]),
        subtitle="Earlier ones scaled to the size of this one" if scaled else "",
        nothing="Nothing to draw: no completed scene, this or an earlier one like it, has its time "
        "on record.",
        this="this scene",
    )


def _value(place: int, scene: Scene, took: float, is_this: bool = False) -> Value:
    return Value(place, took, name_of(scene.run), duration(took), scene.began_at, is_this=is_this)


def _finding(scene: Scene, judged: Judged) -> str:
    """Return what the chart shows, with what it rests on."""
    from history.run_charts.duration import without_figure  # here, for it loads numpy

    n, middle = judged.baseline.n, duration(judged.baseline.median)
    if judged.work.value is None:
        usual = f" {plural(n, 'earlier one')} took {middle} in the middle." if n else ""
        return f"{without_figure(scene, 'scene')}{usual}"
    took, delta = f"It took {duration(judged.work.value)}", delta_of(judged)
    if not n or not delta.is_known:
        return (
            f"{took}; nothing earlier to compare it with. Further runs of this scene join it here."
        )
    against = f"the median of {plural(n, 'earlier one')}, {middle}"
    if delta.icon == "t-flat":
        return f"{took}, {delta.words}: within the noise around {against}."
    way = "more" if delta.icon == "t-up" else "less"
    return f"{took}, {delta.text} {way} than {against}: {delta.words}."
