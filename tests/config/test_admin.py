"""config/admin_site.py, telemetry/admin/, history/admin.py: the site admin's view."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

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
    PurgeState,
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
from telemetry.admin import RecordAdmin
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
from telemetry.secrets import decrypt, encrypt
from tests import cast
from tests.telemetry.certificates import DAY
from tests.telemetry.certificates import make as make_certificate

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
RECORDS = [m for m in REGISTERED if isinstance(admin.site._registry[m], RecordAdmin)]
INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)(?![^>]*json)|\sstyle=|\son\w+=", re.IGNORECASE)


def new_team(n: int) -> Team:
    return cast.make_team(f"Team-{n}")


def new_user(n: int) -> User:
    return cast.make_user(f"user-{n}")


def new_server(n: int) -> Server:
    return cast.make_server(new_team(n))


def new_attempt(n: int) -> Attempt:
    return cast.make_attempt(new_server(n))


# A row of each model that shares nothing with the rows before it.
def new_occurrence(n: int) -> FailureOccurrence:
    attempt = cast.make_attempt(new_server(n))
    return cast.make_occurrence(cast.make_failure(attempt.scene.team), attempt)


NEW: dict[type[Model], Callable[[int], Any]] = {
    AccessAttempt: lambda n: AccessAttempt.objects.create(username=f"u{n}", failures_since_start=1),
    AccessFailureLog: lambda n: AccessFailureLog.objects.create(username=f"u{n}"),
    AccessLog: lambda n: AccessLog.objects.create(username=f"u{n}"),
    User: new_user,
    Team: lambda n: cast.join(new_team(n), new_user(n)).team,
    Membership: lambda n: cast.join(new_team(n), new_user(n)),
    Server: new_server,
    Device: lambda n: cast.make_device(new_server(n)),
    Environment: lambda n: cast.make_environment(new_server(n)),
    BlindWindow: lambda n: cast.make_blind_window(new_server(n)),
    Lease: lambda n: cast.make_lease(new_server(n)),
    FailureFamily: lambda n: cast.make_failure(new_team(n)),
    FailureOccurrence: new_occurrence,
    FailureDecision: lambda n: cast.make_decision(cast.make_failure(new_team(n))),
    ClientClaim: lambda n: cast.make_claim(new_team(n), new_user(n)),
    AuditEntry: lambda n: cast.make_audit(new_server(n)),
    Preferences: lambda n: cast.make_preferences(new_user(n)),
    TvLink: lambda n: cast.make_tv_link(new_team(n), new_user(n)),
    SignInLink: lambda n: cast.make_link(new_user(n)),
    ApiToken: lambda n: cast.make_api_token(cast.join(new_team(n), new_user(n))),
    Run: lambda n: cast.make_run(new_team(n)),
    Scene: lambda n: cast.make_scene(cast.make_run(new_team(n))),
    Attempt: new_attempt,
    Graph: lambda n: cast.make_graph(new_attempt(n)),
    Resubmission: lambda n: cast.make_resubmission(new_attempt(n)),
    AttemptMemory: lambda n: cast.make_memory(new_attempt(n)),
    AttemptOutputs: lambda n: cast.make_outputs(new_attempt(n), "a.png"),
    NodeExecution: lambda n: cast.make_node(new_attempt(n)),
    ActivityEvent: lambda n: cast.make_activity(new_server(n)),
    RunWatch: lambda n: cast.make_watch(new_user(n), cast.make_run(new_team(n))),
    PurgeState: lambda n: PurgeState.objects.create(),
    RunServer: lambda n: cast.make_run_server(cast.make_run(new_team(n)), new_server(n + 100)),
    QueuePolicy: lambda n: cast.make_policy(new_team(n)),
    RunReport: lambda n: cast.make_run_report(cast.make_run(new_team(n))),
    RunRevision: lambda n: cast.make_revision(cast.make_run(new_team(n))),
    SceneReport: lambda n: cast.make_scene_report(
        cast.make_scene(cast.make_run(new_team(n)), ended_at=cast.NOON)
    ),
    ScriptReport: lambda n: cast.make_script_report(new_attempt(n)),
    PollLog: lambda n: cast.make_poll_log(new_attempt(n)),
    FallbackNote: lambda n: cast.make_note(new_attempt(n)),
    Finding: lambda n: cast.make_finding(cast.make_run(new_team(n))),
    TeamStorage: lambda n: TeamStorage.objects.create(team=new_team(n), at=cast.NOON),
    RunDecision: lambda n: cast.make_run_decision(cast.make_run(new_team(n))),
    RunNote: lambda n: cast.make_run_note(cast.make_run(new_team(n))),
    Workload: lambda n: cast.make_workload(f"workload-{n}"),
    GpuSample: lambda n: cast.make_gpu_sample(new_server(n)),
}

each_model = pytest.mark.parametrize("model", REGISTERED, ids=lambda m: m._meta.label)
each_record = pytest.mark.parametrize("model", RECORDS, ids=lambda m: m._meta.label)


@pytest.fixture
def root(client: Client) -> Client:
    """Return a browser in which the site admin is signed in."""
    client.force_login(cast.make_user("root", is_superuser=True))
    return client


def page(model: type[Model], kind: str, *args: Any) -> str:
    """Return the address of one of a model's pages."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


@pytest.mark.parametrize("app", ["telemetry", "history"])
def test_it_covers_every_model(app: str) -> None:
    missing = set(apps.get_app_config(app).get_models()) - set(REGISTERED)

    assert not missing


@each_model
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    model: type[Model], root: Client
) -> None:
    few, many = range(3), range(3, 12)
    for n in few:
        NEW[model](n)
    with CaptureQueriesContext(
        connection,
    ) as first:
        root.get(page(model, "changelist"))
    for n in many:
        NEW[model](n)

    with CaptureQueriesContext(connection) as second:
        response = root.get(page(model, "changelist"))

    assert response.context["cl"].result_count >= 12
    assert len(second) == len(first), "\n".join(query["sql"] for query in second)


@each_model
def test_a_list_can_be_searched(model: type[Model], root: Client) -> None:
    NEW[model](1)

    response = root.get(page(model, "changelist"), {"q": "nothing has this"})

    assert response.status_code == 200
    assert response.context["cl"].result_count == 0


@each_model
def test_a_list_narrows_by_day(model: type[Model], root: Client) -> None:
    if model is User:
        cast.make_user("early", date_joined=cast.NOON)
    NEW[model](1)
    field = admin.site._registry[model].date_hierarchy

    response = root.get(page(model, "changelist"), {f"{field}__year": "2001"})

    assert field
    assert response.status_code == 200
    assert response.context["cl"].result_count == 0


@each_model
@pytest.mark.parametrize("kind", ["changelist", "change"])
def test_a_page_obeys_the_content_security_policy(
    kind: str, model: type[Model], root: Client
) -> None:
    row = NEW[model](1)

    response = root.get(page(model, kind, *([row.pk] if kind == "change" else [])))

    assert response.status_code == 200
    assert INLINE.findall(response.content.decode()) == []
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"script-src 'self'", "style-src 'self'"} <= set(policy)


@each_record
def test_a_record_cannot_be_added(model: type[Model], root: Client) -> None:
    assert root.post(page(model, "add"), {}).status_code == 403


@each_record
def test_a_record_cannot_be_changed(model: type[Model], root: Client) -> None:
    row = NEW[model](1)

    assert root.post(page(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize(
    "model", [m for m in RECORDS if m not in (SignInLink, ApiToken)], ids=lambda m: m._meta.label
)
def test_a_record_cannot_be_deleted(model: type[Model], root: Client) -> None:
    row = NEW[model](1)

    assert root.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


def test_a_sign_in_link_can_be_deleted(root: Client) -> None:
    link = NEW[SignInLink](1)

    root.post(page(SignInLink, "delete", link.pk), {"post": "yes"})

    assert not SignInLink.objects.exists()


def test_an_api_token_can_be_deleted(root: Client) -> None:
    token = NEW[ApiToken](1)

    root.post(page(ApiToken, "delete", token.pk), {"post": "yes"})

    assert not ApiToken.objects.exists()


def test_a_sign_in_link_does_not_show_its_digest(root: Client) -> None:
    link = cast.make_link(cast.make_user("bob"), token_sha256="d1ge57")

    response = root.get(page(SignInLink, "change", link.pk))

    assert b"d1ge57" not in response.content


def test_a_graph_is_shown_as_its_size(root: Client) -> None:
    graph = cast.make_graph(new_attempt(1), {"3": {"class_type": "KSampler"}})

    response = root.get(page(Graph, "change", graph.pk))

    assert f"{len(graph.compressed)} bytes" in response.content.decode()
    assert b"KSampler" not in response.content


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/telemetry/team/", "/admin/x"])
def test_it_sends_the_anonymous_to_our_sign_in_page(path: str, client: Client) -> None:
    assert client.get(path).headers["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/telemetry/team/", "/admin/x"])
def test_it_is_not_there_for_who_is_no_superuser(path: str, client: Client) -> None:
    client.force_login(cast.make_user("clerk", is_staff=True))

    assert client.get(path).status_code == 404


def test_it_leads_a_superuser_from_its_sign_in_page_to_its_index(root: Client) -> None:
    assert root.get("/admin/login/").headers["Location"] == "/admin/"


def test_it_asks_no_superuser_to_be_staff(root: Client) -> None:
    assert root.get("/admin/").status_code == 200


def test_a_new_person_can_be_added(root: Client) -> None:
    root.post(
        page(User, "add"),
        {
            "username": "newcomer",
            "usable_password": "true",
            "password1": "correct horse battery",
            "password2": "correct horse battery",
        },
    )

    assert User.objects.get(username="newcomer").check_password("correct horse battery")


def test_a_person_is_deleted_with_memberships_claims_and_links(root: Client) -> None:
    bob = cast.make_user("bob")
    team = cast.make_team("Northlight")
    cast.join(team, bob)
    cast.make_claim(team, bob)
    cast.make_link(bob)

    root.post(page(User, "delete", bob.pk), {"post": "yes"})

    assert not User.objects.filter(pk=bob.pk).exists()


def test_a_team_takes_a_member_on_its_page(root: Client) -> None:
    team, bob = cast.make_team("Northlight"), cast.make_user("bob")

    root.post(
        page(Team, "change", team.pk),
        {
            "name": "Northlight",
            "memberships-TOTAL_FORMS": "1",
            "memberships-INITIAL_FORMS": "0",
            "memberships-0-team": str(team.pk),
            "memberships-0-user": str(bob.pk),
            "memberships-0-role": "operator",
        },
    )

    assert Membership.objects.get(team=team, user=bob).role == Role.OPERATOR


def test_a_team_keeps_its_slug(root: Client) -> None:
    team = cast.make_team("Northlight")
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}

    root.post(page(Team, "change", team.pk), {"name": "Renamed", "slug": "renamed", **inline})

    team.refresh_from_db()
    assert (team.name, team.slug) == ("Renamed", "northlight")


def test_a_team_without_runs_is_deleted_with_its_servers(root: Client) -> None:
    server = cast.make_server(cast.make_team("Northlight"))
    cast.make_lease(server)
    cast.make_blind_window(server)
    cast.make_activity(server)

    root.post(page(Team, "delete", server.team_id), {"post": "yes"})

    assert not Team.objects.exists()


def test_a_team_with_runs_is_not_deleted(root: Client) -> None:
    team = cast.make_run(cast.make_team("Northlight")).team

    assert root.post(page(Team, "delete", team.pk), {"post": "yes"}).status_code == 403
    assert Team.objects.exists()


def test_a_deleted_server_keeps_its_history_and_forgets_its_secrets(root: Client) -> None:
    server = cast.make_server(new_team(1), bearer_encrypted=encrypt("s3cret"))
    attempt = cast.make_attempt(server)

    root.post(page(Server, "delete", server.pk), {"post": "yes"})

    attempt.refresh_from_db()
    server.refresh_from_db()
    assert attempt.server == server
    assert server.deleted_at
    assert (server.enabled, server.bearer_encrypted) == (False, "")
    assert not Server.objects.watched().exists()


def test_the_page_that_asks_says_what_deleting_a_server_does(root: Client) -> None:
    server = new_attempt(1).server

    asked = root.get(page(Server, "delete", server.pk)).content.decode()

    assert "The history stays" in asked
    assert f"<b>{server.name}</b> at {server.url}" in asked


def test_servers_are_deleted_together_after_being_asked(root: Client) -> None:
    servers = [new_attempt(n).server for n in range(2)]
    chosen = {"action": "delete_selected", "_selected_action": [s.pk for s in servers]}

    asked = root.post(page(Server, "changelist"), chosen).content.decode()
    assert Server.objects.kept().count() == 2
    root.post(page(Server, "changelist"), {**chosen, "post": "yes"})

    assert "The history stays" in asked
    assert all(server.name in asked for server in servers)
    assert Server.objects.count() == 2
    assert not Server.objects.kept().exists()
    assert Attempt.objects.count() == 2


def test_a_deleted_server_is_gone_from_the_list_and_has_no_page(root: Client) -> None:
    server = new_server(1)
    server.retire(cast.NOON)

    assert root.get(page(Server, "changelist")).context["cl"].result_count == 0
    assert root.get(page(Server, "change", server.pk)).status_code == 302


def test_the_name_and_address_of_a_deleted_server_are_free_again(root: Client) -> None:
    old = new_server(1)
    root.post(page(Server, "delete", old.pk), {"post": "yes"})

    root.post(page(Server, "add"), server_form(Server(team=old.team, name=old.name, url=old.url)))

    assert Server.objects.kept().get().name == old.name
    assert Server.objects.count() == 2


@pytest.mark.parametrize("field", ["name", "url"])
def test_a_name_and_an_address_are_had_once(field: str, root: Client) -> None:
    old = new_server(1)
    fields = {"name": "another", "url": "http://another:8188", field: getattr(old, field)}

    response = root.post(page(Server, "add"), server_form(Server(team=old.team, **fields)))

    assert "The team has a server with this" in str(response.context["errors"])
    assert Server.objects.count() == 1


def server_form(server: Server, **fields: str) -> dict[str, str]:
    """Return what a browser posts for the server."""
    usual = {"team": server.team_id, "name": server.name, "url": server.url, "enabled": "on"}
    return {"position": "0", **{k: str(v) for k, v in usual.items()}, **fields}


def test_a_server_is_added_with_its_address_in_normal_form(root: Client) -> None:
    team = cast.make_team("Northlight")
    new = Server(team=team, name="gpu-3", url="GPU-3:8188/")

    root.post(page(Server, "add"), server_form(new))

    assert Server.objects.get().url == "http://gpu-3:8188"


def test_a_server_with_an_unusable_address_is_refused_in_words(root: Client) -> None:
    new = Server(team=cast.make_team("Northlight"), name="gpu-3", url="ftp://gpu-3")

    response = root.post(page(Server, "add"), server_form(new))

    assert "is not a ComfyUI address" in str(response.context["errors"])
    assert not Server.objects.exists()


def test_a_bearer_token_is_stored_encrypted(root: Client) -> None:
    server = new_server(1)

    root.post(page(Server, "change", server.pk), server_form(server, bearer="s3cret"))

    server.refresh_from_db()
    assert "s3cret" not in server.bearer_encrypted
    assert decrypt(server.bearer_encrypted) == "s3cret"


def test_a_bearer_token_stays_when_none_is_typed(root: Client) -> None:
    server = cast.make_server(new_team(1), bearer_encrypted=encrypt("s3cret"))

    root.post(page(Server, "change", server.pk), server_form(server, bearer=""))

    server.refresh_from_db()
    assert decrypt(server.bearer_encrypted) == "s3cret"


def test_a_bearer_token_is_forgotten_on_demand(root: Client) -> None:
    server = cast.make_server(new_team(1), bearer_encrypted=encrypt("s3cret"))

    root.post(page(Server, "change", server.pk), server_form(server, forget_bearer="on"))

    server.refresh_from_db()
    assert server.bearer_encrypted == ""


def test_a_bearer_token_is_not_both_new_and_forgotten(root: Client) -> None:
    server = cast.make_server(new_team(1), bearer_encrypted=encrypt("s3cret"))

    response = root.post(
        page(Server, "change", server.pk), server_form(server, bearer="new", forget_bearer="on")
    )

    server.refresh_from_db()
    assert "not both" in str(response.context["errors"])
    assert decrypt(server.bearer_encrypted) == "s3cret"


@pytest.mark.parametrize(("stored", "state"), [("", "not set"), ("s3cret", "set")])
def test_a_bearer_token_is_told_only_as_set_or_not(stored: str, state: str, root: Client) -> None:
    server = cast.make_server(new_team(1), bearer_encrypted=encrypt(stored))

    response = root.get(page(Server, "change", server.pk))

    text = response.content.decode()
    assert f'<div class="readonly">{state}</div>' in text
    assert "s3cret" not in text
    assert not stored or server.bearer_encrypted not in text


def change(root: Client, server: Server, **fields: str) -> Any:
    """Save the server's form with these fields; return the answer, the server read anew."""
    response = root.post(page(Server, "change", server.pk), server_form(server, **fields))
    server.refresh_from_db()
    return response


def test_a_user_and_password_are_stored_encrypted(root: Client) -> None:
    server = new_server(1)

    change(root, server, basic_user="olga", basic_password=" s3cret: ")

    assert "s3cret" not in server.basic_encrypted
    assert decrypt(server.basic_encrypted) == "olga: s3cret: "


def test_a_user_and_password_stay_when_none_are_typed(root: Client) -> None:
    server = cast.make_server(new_team(1), basic_encrypted=encrypt("olga:s3cret"))

    change(root, server, name="renamed")

    assert server.name == "renamed"
    assert decrypt(server.basic_encrypted) == "olga:s3cret"


def test_a_user_and_password_are_forgotten_on_demand(root: Client) -> None:
    server = cast.make_server(new_team(1), basic_encrypted=encrypt("olga:s3cret"))

    change(root, server, forget_basic="on")

    assert server.basic_encrypted == ""


@pytest.mark.parametrize("typed", ["basic_user", "basic_password"])
def test_a_user_and_a_password_are_wanted_together(typed: str, root: Client) -> None:
    server = new_server(1)

    response = change(root, server, **{typed: "s3cret"})

    assert "both are stored together" in str(response.context["errors"])
    assert server.basic_encrypted == ""


BEARER, BASIC = {"bearer": "s3cret"}, {"basic_user": "olga", "basic_password": "s3cret"}


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ({}, {**BEARER, **BASIC}),
        ({"basic_encrypted": "olga:s3cret"}, BEARER),
        ({"bearer_encrypted": "s3cret"}, BASIC),
        ({"bearer_encrypted": "s3cret", "basic_encrypted": "olga:s3cret"}, {}),
    ],
    ids=["typed", "bearer-added", "basic-added", "stored"],
)
def test_a_server_is_shown_a_token_or_a_password_and_not_both(
    stored: dict[str, str], typed: dict[str, str], root: Client
) -> None:
    kept = {name: encrypt(secret) for name, secret in stored.items()}
    server = cast.make_server(new_team(1), **kept)

    response = change(root, server, **typed)

    assert "either a bearer token or a user and password" in str(response.context["errors"])
    assert (server.bearer_encrypted, server.basic_encrypted) == (
        kept.get("bearer_encrypted", ""),
        kept.get("basic_encrypted", ""),
    )


def test_a_token_gives_way_to_a_password_in_one_step(root: Client) -> None:
    server = cast.make_server(new_team(1), bearer_encrypted=encrypt("s3cret"))

    change(root, server, forget_bearer="on", **BASIC)

    assert server.bearer_encrypted == ""
    assert decrypt(server.basic_encrypted) == "olga:s3cret"


@pytest.mark.parametrize(
    "typed",
    [
        {"bearer": "two words"},
        {"bearer": "zoë"},
        {**BASIC, "basic_user": "ol:ga"},
        {**BASIC, "basic_password": "a\nb"},
    ],
)
def test_credentials_that_fit_in_no_header_are_refused(typed: dict[str, str], root: Client) -> None:
    server = new_server(1)

    response = change(root, server, **typed)

    assert response.context["errors"]
    assert (server.bearer_encrypted, server.basic_encrypted) == ("", "")


def test_no_secret_is_ever_rendered(root: Client) -> None:
    server = cast.make_server(new_team(1), basic_encrypted=encrypt("us3r:s3cret"))
    refused = change(root, server, url="", bearer="b3arer", basic_user="n3w", basic_password="p4ss")
    pages = [refused, root.get(page(Server, "change", server.pk))]
    pages.append(root.get(page(Server, "changelist")))
    history = root.get(page(Server, "history", server.pk))

    for response in [*pages, history]:
        text = response.content.decode()
        assert not [s for s in ("us3r", "s3cret", "b3arer", "n3w", "p4ss") if s in text]
        assert server.basic_encrypted not in text


@pytest.mark.parametrize("field", ["bearer_encrypted", "basic_encrypted"])
def test_a_lost_secret_is_told_and_healed_by_entering_it_again(
    field: str, root: Client, settings: Any
) -> None:
    server = cast.make_server(new_team(1), **{field: encrypt("olga:s3cret")})
    settings.SECRET_KEY = "another key"
    root.force_login(User.objects.get(username="root"))
    for kind in ("change", "changelist"):
        response = root.get(page(Server, kind, *([server.pk] if kind == "change" else [])))
        assert "enter it again" in response.content.decode()

    typed = BEARER if field == "bearer_encrypted" else BASIC
    change(root, server, **typed)

    assert decrypt(getattr(server, field)) in ("s3cret", "olga:s3cret")


def test_a_certificate_to_trust_is_stored_and_told_with_its_end(root: Client) -> None:
    authority = make_certificate("Northlight CA", authority=True)
    server = new_server(1)

    change(root, server, authorities=authority.pem.replace("\n", "\r\n"))

    assert server.authorities == authority.pem.strip()
    text = root.get(page(Server, "change", server.pk)).content.decode()
    assert f"Northlight CA, valid until {authority.x509.not_valid_after_utc:%d %B %Y}" in text


def test_a_certificate_that_cannot_be_trusted_is_refused_in_words(root: Client) -> None:
    server = new_server(1)

    response = change(root, server, authorities="-----BEGIN NOTHING-----")

    assert "no PEM certificate" in str(response.context["errors"])
    assert server.authorities == ""


def test_a_certificate_that_has_expired_since_hinders_no_other_change(root: Client) -> None:
    old = make_certificate("Old CA", authority=True, began=-9 * DAY, ends=-DAY).pem.strip()
    server = cast.make_server(new_team(1), authorities=old)

    change(root, server, name="renamed", authorities=old)

    assert (server.name, server.authorities) == ("renamed", old)
    assert "Old CA, expired on" in root.get(page(Server, "change", server.pk)).content.decode()


def test_a_server_at_a_metadata_address_is_refused_in_words(root: Client) -> None:
    new = Server(team=cast.make_team("Northlight"), name="gpu-3", url="http://169.254.169.254")

    response = root.post(page(Server, "add"), server_form(new))

    assert "cloud&#x27;s metadata address" in response.content.decode()
    assert not Server.objects.exists()


def test_a_server_stays_in_its_team(root: Client) -> None:
    server, other = new_server(1), new_team(2)

    root.post(page(Server, "change", server.pk), server_form(server, team=str(other.pk)))

    server.refresh_from_db()
    assert server.team != other


def test_a_server_with_the_address_of_another_is_refused_in_words(root: Client) -> None:
    team = new_team(1)
    one, two = cast.make_server(team), cast.make_server(team)

    response = root.post(page(Server, "change", two.pk), server_form(two, url=one.url))

    assert response.status_code == 200
    assert response.context["errors"]


def test_the_list_of_attempts_shows_free_memory_before_lowest_and_after(root: Client) -> None:
    gib = 1 << 30
    figures = {"free_before_bytes": 22 * gib, "free_lowest_bytes": 5 * gib // 2}
    attempt = new_attempt(1)
    cast.make_memory(attempt, **figures)
    cast.make_memory(attempt, index=1, grade="polled")

    html = root.get(page(Attempt, "changelist")).content.decode()

    assert "22.0, 2.5, – (measured); –, –, – (polled)" in html
