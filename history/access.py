"""The only way from a person to what is on record (see telemetry/access.py)."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.http import Http404

from history.models import (
    ActivityEvent,
    Attempt,
    AttemptOutputs,
    FailureFamily,
    Graph,
    Run,
    RunWatch,
    Scene,
)
from telemetry.access import Person, server_for, team_for, team_of
from telemetry.models import Membership, Role, Server


def run_for(user: Person, pk: int, role: Role = Role.VIEWER) -> Run:
    """Return the run; its `team` is loaded."""
    run = Run.objects.kept().select_related("team").filter(pk=pk).first()
    if run is None:
        raise Http404
    team_of(user, run.team_id, role)
    return run


def run_in(membership: Membership, pk: int) -> Run:
    """Return a run of the member's team; its policy is loaded."""
    found = Run.objects.kept().select_related("policy").filter(pk=pk, team=membership.team)
    run = found.first()
    if run is None:
        raise Http404
    return run


def deleted_run_in(membership: Membership, pk: int) -> Run:
    """Return a run of the member's team that was deleted; who may see it is for the caller."""
    run = Run.objects.filter(pk=pk, team=membership.team).exclude(deleted_at=None).first()
    if run is None:
        raise Http404
    return run


def scene_in(membership: Membership, run_pk: int, pk: int) -> Scene:
    """Return a scene of a run of the member's team; run, server and policies are loaded."""
    loaded = Scene.objects.select_related("run__policy", "report__policy", "server")
    kept = loaded.filter(run__team=membership.team, run__deleted_at=None)
    scene = kept.filter(pk=pk, run=run_pk).first()
    if scene is None:
        raise Http404
    return scene


def runs_in(membership: Membership, ids: Iterable[int]) -> QuerySet[Run]:
    """Return those of these runs that are the team's; their policies are loaded."""
    found = Run.objects.kept().select_related("policy")
    return found.filter(team=membership.team, pk__in=list(ids))


def outputs_in(membership: Membership, run_pk: int, pk: int, attempt_pk: int) -> AttemptOutputs:
    """Return what an attempt at a scene of the member's team left; its server is loaded."""
    found = AttemptOutputs.objects.select_related("attempt__server").filter(
        pk=attempt_pk, attempt__scene=pk, attempt__scene__run=run_pk
    )
    own = {"attempt__scene__run__team": membership.team, "attempt__scene__run__deleted_at": None}
    outputs = found.filter(**own).first()
    if outputs is None:
        raise Http404
    return outputs


def run_door(user: Person, pk: int) -> int:
    """Return the team of the run whose topic run-<pk> the user may listen to."""
    return run_for(user, pk).team_id


def scene_for(user: Person, pk: int, role: Role = Role.VIEWER) -> Scene:
    """Return the scene; its `run` is loaded."""
    kept = Scene.objects.select_related("run__team").filter(run__deleted_at=None)
    scene = kept.filter(pk=pk).first()
    if scene is None:
        raise Http404
    team_of(user, scene.run.team_id, role)
    return scene


def attempt_for(user: Person, pk: int, role: Role = Role.VIEWER) -> Attempt:
    """Return the attempt without its traceback; its `scene`, `run` and `server` are loaded.

    Its team is that of its run, which is also its server's where it has one.
    """
    attempt = (
        Attempt.objects.select_related("server", "scene__run__team")
        .defer("traceback")
        .filter(pk=pk, scene__run__deleted_at=None)
        .first()
    )
    if attempt is None:
        raise Http404
    team_of(user, attempt.scene.run.team_id, role)
    return attempt


def failure_in(
    user: Person, slug: str, pk: int, role: Role = Role.VIEWER
) -> tuple[Membership, FailureFamily]:
    """Return the user's membership of the team with this slug, and its family of failures."""
    membership = team_for(user, slug, role)
    family = FailureFamily.objects.filter(team=membership.team, pk=pk).first()
    if family is None:
        raise Http404
    return membership, family


def attempts_on(server: Server) -> QuerySet[Attempt]:
    """Return the attempts of a server that was reached through telemetry/access.py.

    Without what only operators may see; their scenes and runs are loaded.
    """
    kept = server.attempts.filter(scene__run__deleted_at=None)
    return kept.select_related("scene__run").defer("traceback")


def graphs_of(attempts: Iterable[Attempt]) -> QuerySet[Graph]:
    """Return the graphs of attempts that an operator was let to."""
    return Graph.objects.filter(pk__in=[attempt.pk for attempt in attempts])


def activity_on(server: Server) -> QuerySet[ActivityEvent]:
    """Return the activity of a server that was reached through telemetry/access.py."""
    return server.activity.order_by("-at", "-pk")


def attempt_of(user: Person, server_pk: int, prompt_id: str) -> Attempt:
    """Return the newest attempt under a prompt_id on a server; its `scene` and `run` are loaded."""
    server = server_for(user, server_pk)
    attempt = (
        Attempt.objects.select_related("scene__run")
        .defer("traceback")
        .filter(server=server, prompt_id=prompt_id, scene__run__deleted_at=None)
        .order_by("-repeat")
        .first()
    )
    if attempt is None:
        raise Http404
    return attempt


def watches_of(membership: Membership) -> QuerySet[RunWatch]:
    """Return what a member wants to be told of in the team."""
    return RunWatch.objects.filter(user=membership.user, run__team=membership.team)


def graph_for(user: Person, attempt_pk: int) -> Graph:
    """Return an attempt's graph, which may hold prompts and secrets: for operators."""
    attempt_for(user, attempt_pk, Role.OPERATOR)
    graph = Graph.objects.filter(pk=attempt_pk).first()
    if graph is None:
        raise Http404
    return graph


def traceback_for(user: Person, attempt_pk: int) -> str:
    """Return an attempt's traceback, which may hold paths and secrets: for operators."""
    attempt = attempt_for(user, attempt_pk, Role.OPERATOR)
    if attempt.traceback is None:
        raise Http404
    return attempt.traceback
