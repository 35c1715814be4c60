"""The cast of the tests, and plain builders of rows.

Northlight is the team that the tests look at: alice is its admin, olga an operator, bob a viewer.
mallory is the admin of another team, Southdark, and must see nothing of Northlight. root is the
site admin and in no team.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from history.imports.told import ToldPolls
from history.models import (
    ActivityEvent,
    Attempt,
    AttemptMemory,
    AttemptOutputs,
    FailureDecision,
    FailureFamily,
    FailureOccurrence,
    FallbackNote,
    Finding,
    GpuSample,
    Graph,
    NodeExecution,
    PollLog,
    QueuePolicy,
    Resubmission,
    Run,
    RunDecision,
    RunNote,
    RunReport,
    RunRevision,
    RunServer,
    RunWatch,
    Scene,
    SceneReport,
    ScriptReport,
    TeamStorage,
    Workload,
)
from history.polls import pack
from history.words import RunChange
from telemetry.models import (
    ApiToken,
    AuditEntry,
    BlindWindow,
    ClientClaim,
    Device,
    Environment,
    Lease,
    Membership,
    Preferences,
    Role,
    Server,
    SignInLink,
    Team,
    TvLink,
)

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
_numbers = count(1)


@dataclass(frozen=True)
class Cast:
    """Everybody, and both teams."""

    northlight: Team
    southdark: Team
    alice: User
    olga: User
    bob: User
    mallory: User
    root: User


def make_cast() -> Cast:
    """Return the cast, freshly made."""
    cast = Cast(
        northlight=make_team("Northlight"),
        southdark=make_team("Southdark"),
        alice=make_user("alice"),
        olga=make_user("olga"),
        bob=make_user("bob"),
        mallory=make_user("mallory"),
        root=make_user("root", is_staff=True, is_superuser=True),
    )
    join(cast.northlight, cast.alice, Role.ADMIN)
    join(cast.northlight, cast.olga, Role.OPERATOR)
    join(cast.northlight, cast.bob, Role.VIEWER)
    join(cast.southdark, cast.mallory, Role.ADMIN)
    return cast


def make_user(username: str, **fields: Any) -> User:
    """Return a user without a password: tests sign in with `force_login`."""
    user = User(username=username, **fields)
    user.set_unusable_password()
    user.save()
    return user


def make_team(name: str, **fields: Any) -> Team:
    """Return a team; its slug is its name in lower case."""
    return Team.objects.create(**{"name": name, "slug": name.lower(), **fields})


def join(team: Team, user: User, role: Role = Role.VIEWER) -> Membership:
    """Make the user a member of the team."""
    return Membership.objects.create(team=team, user=user, role=role)


def make_server(team: Team, **fields: Any) -> Server:
    """Return a server of the team."""
    n = next(_numbers)
    return Server.objects.create(
        **{"team": team, "name": f"gpu-{n}", "url": f"http://gpu-{n}:8188", **fields}
    )


def make_device(server: Server, **fields: Any) -> Device:
    """Return a GPU of the server."""
    named = {"name": "RTX 5090", "model": "RTX 5090", "kind": "cuda"}
    usual = {"index": next(_numbers), **named, "seen_at": NOON}
    return Device.objects.create(**{"server": server, **usual, **fields})


def make_environment(server: Server, **fields: Any) -> Environment:
    """Return what the server runs on."""
    usual = {"since": NOON, "fingerprint": "f" * 64, "comfyui_version": "0.33.0"}
    return Environment.objects.create(**{"server": server, **usual, **fields})


def make_blind_window(server: Server, **fields: Any) -> BlindWindow:
    """Return a time in which the server was not watched."""
    began_at = NOON + timedelta(seconds=next(_numbers))
    usual = {"began_at": began_at, "reason": "no collector"}
    return BlindWindow.objects.create(**{"server": server, **usual, **fields})


def make_lease(server: Server, **fields: Any) -> Lease:
    """Return the lease of a server that a collector follows."""
    usual = {"owner": "worker-1", "fence": 1, "expires_at": NOON, "renewed_at": NOON}
    return Lease.objects.create(**{"server": server, **usual, **fields})


def make_claim(team: Team, user: User, **fields: Any) -> ClientClaim:
    """Return the user's claim of a client_id."""
    usual = {"client_id": f"client-{next(_numbers)}"}
    return ClientClaim.objects.create(**{"team": team, "user": user, **usual, **fields})


def make_link(user: User, **fields: Any) -> SignInLink:
    """Return a sign-in link whose token nobody knows."""
    usual = {"token_sha256": f"{next(_numbers):064}", "expires_at": NOON}
    return SignInLink.objects.create(**{"user": user, **usual, **fields})


def make_tv_link(team: Team, user: User, **fields: Any) -> TvLink:
    """Return a TV link whose token nobody knows."""
    usual = {"name": "studio 2", "created_by": user, "token_sha256": f"{next(_numbers):064}"}
    return TvLink.objects.create(**{"team": team, **usual, **fields})


def make_api_token(membership: Membership, **fields: Any) -> ApiToken:
    """Return an API token of the member whose text nobody knows."""
    n = next(_numbers)
    usual = {"name": f"token-{n}", "prefix": f"sw_{n:08}", "token_sha256": f"{n:064}"}
    return ApiToken.objects.create(**{"membership": membership, **usual, **fields})


def make_preferences(user: User, **fields: Any) -> Preferences:
    """Return the user's own settings."""
    return Preferences.objects.create(user=user, **fields)


def make_audit(server: Server, **fields: Any) -> AuditEntry:
    """Return what somebody did to the server."""
    usual = {"at": NOON, "who": "alice", "action": "interrupt", "done": True}
    return AuditEntry.objects.create(**{"server": server, **usual, **fields})


def make_run(team: Team, **fields: Any) -> Run:
    """Return a run of the team."""
    usual = {"external_id": f"run-{next(_numbers)}", "began_at": NOON, "touched_at": NOON}
    return Run.objects.create(**{"team": team, **usual, **fields})


def make_scene(run: Run, **fields: Any) -> Scene:
    """Return a scene of the run."""
    usual = {"external_id": f"scene-{next(_numbers):03}"}
    return Scene.objects.create(**{"team": run.team, "run": run, **usual, **fields})


def make_attempt(server: Server, scene: Scene | None = None, **fields: Any) -> Attempt:
    """Return an attempt on the server, at a scene of its own unless one is given."""
    scene = scene or make_scene(make_run(server.team))
    usual = {"prompt_id": f"prompt-{next(_numbers)}", "seen_at": NOON}
    return Attempt.objects.create(**{"server": server, "scene": scene, **usual, **fields})


def make_watch(user: User, run: Run, attempt: Attempt | None = None) -> RunWatch:
    """Return the user's wish to be told when a run, or one attempt of it, ends."""
    return RunWatch.objects.create(user=user, run=run, attempt=attempt)


def make_run_decision(run: Run, **fields: Any) -> RunDecision:
    """Return a decision about the run as a whole: that it was archived, unless given."""
    usual = {"at": NOON, "what": RunChange.ARCHIVED}
    return RunDecision.objects.create(**{"run": run, **usual, **fields})


def make_graph(attempt: Attempt, graph: Any = None) -> Graph:
    """Return the stored graph of the attempt."""
    compressed = zlib.compress(json.dumps(graph or {"3": {"class_type": "KSampler"}}).encode())
    return Graph.objects.create(attempt=attempt, compressed=compressed)


def make_resubmission(attempt: Attempt, **fields: Any) -> Resubmission:
    """Return that the attempt was submitted again."""
    usual = {"prompt_id": f"again-{next(_numbers)}", "at": NOON, "taken": True}
    return Resubmission.objects.create(**{"attempt": attempt, **usual, **fields})


def make_memory(attempt: Attempt, **fields: Any) -> AttemptMemory:
    """Return what the attempt took of a device."""
    usual = {"index": 0, "name": "RTX 5090", "grade": "measured", "samples": 3}
    return AttemptMemory.objects.create(**{"attempt": attempt, **usual, **fields})


def make_outputs(attempt: Attempt, *names: str, **fields: Any) -> AttemptOutputs:
    """Return the files that the attempt left on its server."""
    files = [["9", "output", "", name] for name in names]
    usual = {"files": files, "count": len(files)}
    return AttemptOutputs.objects.create(**{"attempt": attempt, **usual, **fields})


def make_node(attempt: Attempt, **fields: Any) -> NodeExecution:
    """Return one node of the attempt."""
    usual = {"node": str(next(_numbers)), "class_type": "KSampler", "started_at": NOON}
    return NodeExecution.objects.create(**{"attempt": attempt, **usual, **fields})


def make_activity(server: Server, **fields: Any) -> ActivityEvent:
    """Return a line of the server's activity feed."""
    usual = {"key": f"key-{next(_numbers)}", "kind": "offline", "tone": "bad", "text": "Offline"}
    return ActivityEvent.objects.create(
        **{"team": server.team, "server": server, "at": NOON, **usual, **fields}
    )


def make_run_server(run: Run, server: Server) -> RunServer:
    """Return that the run was on the server."""
    return RunServer.objects.create(run=run, server=server, began_at=run.began_at)


def make_policy(team: Team, **fields: Any) -> QueuePolicy:
    """Return one way of the team's submitters to wait."""
    usual = {"fingerprint": f"{next(_numbers):064}", "max_wait_s": 600, "first_seen_at": NOON}
    return QueuePolicy.objects.create(**{"team": team, **usual, **fields})


def make_revision(run: Run, **fields: Any) -> RunRevision:
    """Return a version of what a file told of the run."""
    n = next(_numbers)
    usual = {"number": n, "sha256": f"{n:064}", "kind": "artifact", "size_bytes": 9, "at": NOON}
    return RunRevision.objects.create(**{"run": run, "document": b"", **usual, **fields})


def make_run_report(run: Run, **fields: Any) -> RunReport:
    """Return what a file told of the run."""
    return RunReport.objects.create(run=run, **fields)


def make_scene_report(scene: Scene, **fields: Any) -> SceneReport:
    """Return what a file told of the scene."""
    return SceneReport.objects.create(scene=scene, **fields)


def make_script_report(attempt: Attempt, **fields: Any) -> ScriptReport:
    """Return how a script waited for the attempt."""
    usual = {"exit_reason": "success", "queue_ended_at": NOON}
    return ScriptReport.objects.create(**{"attempt": attempt, **usual, **fields})


def make_poll_log(attempt: Attempt, **fields: Any) -> PollLog:
    """Return the polls of the attempt."""
    counts = {"count": 3, "pending_count": 2, "success_count": 1, "error_count": 0}
    usual = {**counts, "filed_at": NOON, "packed": b""}
    return PollLog.objects.create(**{"attempt": attempt, **usual, **fields})


def make_note(attempt: Attempt, **fields: Any) -> FallbackNote:
    """Return a fallback note of the attempt."""
    scene = attempt.scene
    place = {"team": scene.run.team, "scene": scene, "began_at": scene.run.began_at}
    usual = {"place": next(_numbers), "category": "forced_copy", "severity": "warning"}
    return FallbackNote.objects.create(
        **{"attempt": attempt, **place, **usual, "text": "Forced copy", **fields}
    )


def make_finding(run: Run, **fields: Any) -> Finding:
    """Return something wrong in what a file told of the run."""
    usual = {"place": next(_numbers), "code": "V11", "level": "error", "message": "It is missing."}
    return Finding.objects.create(**{"run": run, **usual, **fields})


def make_run_note(run: Run, **fields: Any) -> RunNote:
    """Return what somebody wrote about the run."""
    usual = {"who": "mira", "at": NOON, "text": "Hm."}
    return RunNote.objects.create(**{"run": run, **usual, **fields})


def make_workload(digest: str, **fields: Any) -> Workload:
    """Return what a workload asks of a GPU."""
    return Workload.objects.create(**{"digest": digest, "first_seen_at": NOON, **fields})


def make_gpu_sample(server: Server, **fields: Any) -> GpuSample:
    """Return a GPU of the server during one span."""
    at = NOON + timedelta(seconds=10 * next(_numbers))
    usual = {"index": 0, "span_s": 10, "at": at, "samples": 2, "grade": "polled"}
    return GpuSample.objects.create(**{"server": server, **usual, **fields})


def make_failure(team: Team, **fields: Any) -> FailureFamily:
    """Return a family of failures of the team, with nothing counted."""
    usual = {"signature": f"{next(_numbers):064}", "error_type": "ValueError", "outcome": "failed"}
    times = {"first_seen_at": NOON, "last_seen_at": NOON}
    return FailureFamily.objects.create(**{"team": team, **usual, **times, **fields})


def make_occurrence(family: FailureFamily, attempt: Attempt, **fields: Any) -> FailureOccurrence:
    """Return that the attempt belongs to the family."""
    usual = {"run": attempt.scene.run, "at": NOON}
    return FailureOccurrence.objects.create(
        **{"family": family, "attempt": attempt, **usual, **fields}
    )


def make_decision(family: FailureFamily, **fields: Any) -> FailureDecision:
    """Return what somebody decided about the family."""
    usual = {"at": NOON, "who": "olga", "state": "resolved"}
    return FailureDecision.objects.create(**{"family": family, **usual, **fields})


def furnish(team: Team, member: User, word: str) -> dict[type[Model], Model]:
    """Return one row of every model for the team, with the word in each text that has no choices.

    The slug alone is left as it is: it stands in addresses, which the one who asks knows.
    """
    team.name = f"{word} team"
    team.save()
    member.email = f"{word}@example.com"
    member.save()
    server = make_server(
        team,
        name=f"{word} server",
        url=f"http://{word}:8188",
        bearer_encrypted=f"{word} cipher",
        basic_encrypted=f"{word} cipher",
        authorities=f"{word} certificate",
    )
    run = make_run(
        team,
        source=f"{word} source",
        external_id=f"{word} run",
        story_id=f"{word} story",
        title=f"{word} title",
        submitter=f"{word} submitter",
        workload=f"{word} workload",
        work=f"{word} work",
        gpu_model=f"{word} model",
    )
    scene = make_scene(
        run,
        external_id=f"{word} scene",
        title=f"{word} title",
        workload=f"{word} workload",
        gpu_model=f"{word} model",
    )
    attempt = make_attempt(
        server,
        scene,
        prompt_id=f"{word} prompt",
        client_id=f"{word} client",
        submitter=f"{word} submitter",
        workload=f"{word} workload",
        extra_data={"scene_id": word},
        reason=f"{word} reason",
        error_type=f"{word} error",
        error_message=f"{word} message",
        error_node=f"{word} node",
        error_node_type=f"{word} node type",
        traceback=f"{word} traceback",
    )
    membership = Membership.objects.get(team=team, user=member)
    rows: tuple[Model, ...] = (
        team,
        membership,
        make_api_token(
            membership, name=f"{word} token", prefix=word, token_sha256=f"{word} digest"
        ),
        server,
        run,
        scene,
        attempt,
        make_device(
            server, uuid=f"{word} uuid", name=f"{word} device", model=f"{word} model", kind=word
        ),
        make_environment(
            server,
            fingerprint=f"{word} fingerprint",
            comfyui_version=f"{word} comfyui",
            python_version=f"{word} python",
            pytorch_version=f"{word} pytorch",
            driver_version=f"{word} driver",
            os=f"{word} os",
            argv=[word],
            devices=[word],
            packages={word: word},
            node_packs={word: word},
        ),
        make_blind_window(server, reason=f"{word} reason"),
        make_lease(server, owner=f"{word} owner", url=f"http://{word}:8188"),
        make_claim(team, member, client_id=f"{word} client"),
        make_tv_link(team, member, name=f"{word} screen", token_sha256=f"{word} tv digest"),
        make_link(member, token_sha256=f"{word} digest"),
        make_audit(
            server,
            user=member,
            who=f"{word} who",
            target=f"{word} target",
            outcome=f"{word} outcome",
        ),
        make_preferences(member, time_zone=f"{word} zone"),
        make_graph(attempt, {"3": {"class_type": word}}),
        make_resubmission(attempt, prompt_id=f"{word} again"),
        make_memory(attempt, name=f"{word} card", uuid=f"{word} uuid"),
        make_outputs(attempt, f"{word} file.png"),
        make_watch(member, run),
        TeamStorage.objects.create(team=team, at=NOON, kinds={f"{word} rows": [1, 1]}),
        make_run_decision(run, user=member, who=f"{word} who", why=f"{word} why"),
        *_furnish_files(team, member, attempt, word),
        *_furnish_failures(team, member, attempt, word),
        make_run_server(run, server),
        make_gpu_sample(server),
        make_node(attempt, node=f"{word} node", class_type=f"{word} class"),
        make_activity(
            server,
            attempt=attempt,
            key=f"{word} key",
            kind=f"{word} kind",
            text=f"{word} text",
            detail=f"{word} detail",
        ),
    )
    return {type(row): row for row in rows}


def _furnish_failures(team: Team, member: User, attempt: Attempt, word: str) -> tuple[Model, ...]:
    """Return one row of every model about failures."""
    family = make_failure(
        team,
        signature=f"{word} signature",
        error_type=f"{word} error",
        node_type=f"{word} node type",
        pattern=f"{word} pattern",
        message=f"{word} message",
        count=1,
        run_count=1,
        servers={word: 1},
        gpus={word: 1},
        nodes={word: 1},
        state_who=f"{word} who",
    )
    where = {"server": f"{word} id", "gpu": f"{word} gpu", "node": f"{word} node"}
    return (
        family,
        make_occurrence(family, attempt, **where),
        make_decision(family, who=f"{word} who", user=member),
    )


def _furnish_files(team: Team, member: User, attempt: Attempt, word: str) -> tuple[Model, ...]:
    """Return one row of every model that files are told in."""
    scene, told = attempt.scene, {word: word}
    run = scene.run
    policy = make_policy(team, fingerprint=f"{word} policy", more=told)
    story = {"story": told, "paths": told, "warnings": [word]}
    return (
        policy,
        make_run_note(run, who=f"{word} who", text=f"{word} text"),
        make_workload(
            f"{word} workload", family=f"{word} family", files=[[word, word]], samplers=[word]
        ),
        make_revision(run, kind=f"{word} kind", name=f"{word} file", sha256=word, user=member),
        make_run_report(run, llm=told, health_check=told, tests=told, helpers=told, **story),
        make_scene_report(
            scene, prompt=word, negative_prompt=word, video=told, errors=[word], **story
        ),
        make_script_report(
            attempt,
            exit_reason=f"{word} exit",
            history_errors=[word],
            system_before=told,
            system_after=told,
            warnings=[word],
            errors=[word],
            more=told,
        ),
        make_poll_log(attempt, packed=pack(ToldPolls([NOON, NOON], "ps", {1: word}))),
        make_note(attempt, category=f"{word} category", text=f"{word} note"),
        make_finding(
            run, scene=scene, code=f"{word} code", path=f"{word} path", message=f"{word} finding"
        ),
    )
