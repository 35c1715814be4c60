"""The isolation matrix: every address, asked in every way, by everybody, about both teams.

The routes are read from the URL configuration, so none can be forgotten: one without an entry in
POLICIES fails by name (the live topics: test_live_isolation.py). All rows of a team carry its
canary, a word that must never reach who is not in that team, in whatever part of an answer.
The pages of the admin: test_admin_isolation.py.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from history.charts.library import digest
from history.models import Attempt, FailureFamily, PollLog, Run, Scene
from telemetry.envelope import team_topic
from telemetry.models import (
    ROLE_RANK,
    ApiToken,
    Membership,
    Role,
    Scope,
    Server,
    Team,
    TvLink,
)
from telemetry.sign_in import make_link_token
from telemetry.stores import Change, Fragment, Part, live_store
from telemetry.tokens import make_token
from tests.api import program
from tests.cast import (
    NOON,
    Cast,
    furnish,
    make_api_token,
    make_cast,
    make_run_server,
    make_scene,
)

ANYBODY, SIGNED_IN = "anybody", "signed in"
# Not by who one is: test_tv_isolation.py has the holders of links.
HOLDER = "who holds a good link"
# Not by session: tests/history/test_ingest_api.py has the programs with tokens.
PROGRAM = "a program with a token"
LOOK = frozenset({"GET", "HEAD"})
FORM = LOOK | {"POST"}
POST = frozenset({"POST"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PERSONAS = ("anonymous", "mallory", "root", "bob", "olga", "alice")

# What is let through in spite of the rules: (route, persona, why). Each would need a good reason.
EXCEPTIONS: list[tuple[str, str, str]] = []


@dataclass(frozen=True)
class Side:
    """A team with a row of every model, the word that stands in all of them, and a way in."""

    team: Team
    word: str
    rows: dict[type[models.Model], models.Model]
    token: str
    admins_token: ApiToken


Arguments = Callable[[Side], dict[str, str]]


def slug(side: Side) -> dict[str, str]:
    """Return the argument of the pages of a team."""
    return {"slug": side.team.slug}


def team(side: Side) -> dict[str, str]:
    """Return the parameter of the API's lists of a team."""
    return {"team": side.team.slug}


def nothing(side: Side) -> dict[str, str]:
    """Return no arguments."""
    return {}


def row(name: str, model: type[models.Model]) -> Arguments:
    """Return what gives the id of the side's row of a model as an argument."""
    return lambda side: {name: str(side.rows[model].pk)}


def server(side: Side) -> dict[str, str]:
    """Return the arguments of the pages of a team's server."""
    return {**slug(side), "pk": str(side.rows[Server].pk)}


def failure(side: Side) -> dict[str, str]:
    """Return the arguments of the pages of a team's family of failures."""
    return {**slug(side), "pk": str(side.rows[FailureFamily].pk)}


def run(side: Side) -> dict[str, str]:
    """Return the arguments of the pages of a team's run."""
    return {**slug(side), "pk": str(side.rows[Run].pk)}


def exported(side: Side) -> dict[str, str]:
    """Return the arguments of a file of a team's runs."""
    return {**slug(side), "name": "runs.csv"}


def deleted_run(side: Side) -> dict[str, str]:
    """Return the arguments of the pages of a team's run that was deleted, which is made."""
    known = {"team": side.team, "source": f"{side.word} source", "external_id": f"{side.word} gone"}
    told = {"title": f"{side.word} title", "began_at": NOON, "touched_at": NOON}
    gone, _ = Run.objects.get_or_create(**known, defaults={**told, "deleted_at": NOON})
    return {**slug(side), "pk": str(gone.pk)}


def chart(side: Side) -> dict[str, str]:
    """Return the arguments of a chart of a team's run."""
    return {**run(side), "name": "duration"}


def scene(side: Side) -> dict[str, str]:
    """Return the arguments of the pages of a team's scene."""
    return {
        **slug(side),
        "run_pk": str(side.rows[Run].pk),
        "pk": str(side.rows[Scene].pk),
    }


def compared(side: Side) -> dict[str, str]:
    """Return what asks for a comparison of the team's run with another of it, which is made."""
    known = {"team": side.team, "source": f"{side.word} source", "external_id": f"{side.word} too"}
    told = {"title": f"{side.word} title", "began_at": NOON, "touched_at": NOON}
    other, is_new = Run.objects.get_or_create(**known, defaults=told)
    if is_new:
        asked = {"workload": f"{side.word} workload", "outcome": "success", "duration_s": 9}
        make_scene(other, external_id=f"{side.word} scene", **asked)
        make_run_server(other, side.rows[Server])
    return {"runs": f"{side.rows[Run].pk},{other.pk}"}


def polls(side: Side) -> dict[str, str]:
    """Return the arguments of the polls of an attempt of a team's run."""
    attempt = side.rows[PollLog].pk
    return {**slug(side), "pk": str(_run_of(attempt)), "attempt": str(attempt)}


def _run_of(attempt: int) -> int:
    return Attempt.objects.get(pk=attempt).scene.run_id


def scene_chart(side: Side) -> dict[str, str]:
    """Return the arguments of a chart of a team's scene."""
    return {**scene(side), "name": "duration"}


def scene_file(side: Side) -> dict[str, str]:
    """Return the arguments of a file that a team's attempt left."""
    return {**scene(side), "attempt_pk": str(side.rows[Attempt].pk), "number": "0"}


@dataclass(frozen=True)
class Policy:
    """Who may ask a route, how, and for what: `who` is a role in the team asked about, or a word.

    `programs` are the methods that only a token may use. `data` is what a form posts there, `query`
    what an address is asked with. `unknown` is what who
    is not signed in gets: the way to the sign-in page, or a refusal. `allowed` is what members get:
    502 where a server is asked, for theirs is not there.
    """

    who: Role | str
    methods: frozenset[str]
    arguments: Arguments = nothing
    data: dict[str, str] = field(default_factory=dict)
    query: Arguments = nothing
    unknown: str = "sign in"
    allowed: str = "ok"
    programs: frozenset[str] = frozenset()


FILE = "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/files/<int:attempt_pk>/<int:number>/"
SCENE_CHART = "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/charts/<slug:name>.json"
POLICIES = {
    "": Policy(SIGNED_IN, LOOK),
    "offline/": Policy(ANYBODY, LOOK),
    "service-worker.js": Policy(ANYBODY, LOOK),
    "login/": Policy(ANYBODY, FORM),
    "logout/": Policy(ANYBODY, POST),
    "password/": Policy(SIGNED_IN, FORM),
    "password/done/": Policy(SIGNED_IN, LOOK),
    "sign-in/<str:token>/": Policy(ANYBODY, FORM, lambda side: {"token": side.token}),
    "settings/me/": Policy(SIGNED_IN, FORM),
    "settings/me/theme/": Policy(SIGNED_IN, POST, data={"theme": "dark"}),
    "teams/<slug:slug>/runs/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/compare/": Policy(Role.VIEWER, LOOK, slug, query=compared),
    "teams/<slug:slug>/compare/times.json": Policy(Role.VIEWER, LOOK, slug, query=compared),
    "teams/<slug:slug>/compare/times/": Policy(Role.VIEWER, LOOK, slug, query=compared),
    "teams/<slug:slug>/runs/record/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/runs/report/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/runs/timeline/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/runs/timeline/record/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/runs/export/<str:name>": Policy(Role.VIEWER, LOOK, exported),
    "teams/<slug:slug>/failures/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/failures/<int:pk>/": Policy(Role.VIEWER, LOOK, failure),
    "teams/<slug:slug>/failures/<int:pk>/decide/": Policy(
        Role.OPERATOR, POST, failure, {"do": "ignore"}
    ),
    "teams/<slug:slug>/runs/<int:pk>/": Policy(Role.VIEWER, LOOK, run),
    "teams/<slug:slug>/runs/<int:pk>/record/": Policy(Role.VIEWER, LOOK, run),
    "teams/<slug:slug>/runs/<int:pk>/notes/": Policy(Role.OPERATOR, POST, run, {"text": "Hm."}),
    "teams/<slug:slug>/runs/<int:pk>/archive/": Policy(Role.OPERATOR, POST, run),
    # Of a run that is nobody's here; operators delete their own: tests/history/test_deletion.py.
    "teams/<slug:slug>/runs/<int:pk>/delete/": Policy(Role.ADMIN, FORM, run),
    "teams/<slug:slug>/runs/<int:pk>/restore/": Policy(Role.ADMIN, POST, deleted_run),
    "teams/<slug:slug>/runs/deleted/": Policy(Role.OPERATOR, LOOK, slug),
    "teams/<slug:slug>/runs/<int:pk>/charts/<slug:name>.json": Policy(Role.VIEWER, LOOK, chart),
    "teams/<slug:slug>/runs/<int:pk>/charts/<slug:name>/": Policy(Role.VIEWER, LOOK, chart),
    "teams/<slug:slug>/runs/<int:pk>/attempts/<int:attempt>/polls.json": Policy(
        Role.VIEWER, LOOK, polls
    ),
    "teams/<slug:slug>/runs/<int:pk>/attempts/<int:attempt>/polls/": Policy(
        Role.VIEWER, LOOK, polls
    ),
    "charts/vega-<str:name>.js": Policy(ANYBODY, LOOK, lambda side: {"name": digest()}),
    "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/": Policy(Role.VIEWER, LOOK, scene),
    "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/record/": Policy(Role.VIEWER, LOOK, scene),
    SCENE_CHART: Policy(Role.VIEWER, LOOK, scene_chart),
    "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/charts/<slug:name>/": Policy(
        Role.VIEWER, LOOK, scene_chart
    ),
    FILE: Policy(Role.VIEWER, LOOK, scene_file, allowed="502"),
    "teams/<slug:slug>/settings/servers/": Policy(Role.ADMIN, LOOK, slug),
    "teams/<slug:slug>/settings/servers/add/": Policy(Role.ADMIN, FORM, slug),
    "teams/<slug:slug>/settings/servers/<int:pk>/": Policy(Role.ADMIN, FORM, server),
    "teams/<slug:slug>/settings/servers/<int:pk>/switch/": Policy(Role.ADMIN, POST, server),
    "teams/<slug:slug>/settings/servers/<int:pk>/delete/": Policy(Role.ADMIN, FORM, server),
    "runs/<int:pk>/": Policy(Role.VIEWER, LOOK, lambda side: {"pk": str(side.rows[Run].pk)}),
    "servers/<int:pk>/": Policy(Role.VIEWER, LOOK, lambda side: {"pk": str(side.rows[Server].pk)}),
    "teams/<slug:slug>/servers/<int:pk>/": Policy(Role.VIEWER, LOOK, server),
    "teams/<slug:slug>/servers/<int:pk>/record/": Policy(Role.VIEWER, LOOK, server),
    "teams/<slug:slug>/servers/<int:pk>/interrupt/": Policy(
        Role.OPERATOR, POST, server, {"prompt_id": "some prompt"}
    ),
    "teams/<slug:slug>/servers/<int:pk>/cancel/": Policy(
        Role.OPERATOR, POST, server, {"prompt_id": "some prompt"}
    ),
    "teams/<slug:slug>/servers/<int:pk>/lost/": Policy(Role.OPERATOR, FORM, server),
    "teams/<slug:slug>/servers/<int:pk>/connection/": Policy(
        Role.ADMIN, POST, server, {"do": "disconnect"}
    ),
    "teams/<slug:slug>/live/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/settings/storage/": Policy(Role.VIEWER, LOOK, slug),
    "teams/<slug:slug>/settings/storage/measure/": Policy(Role.ADMIN, POST, slug),
    "teams/<slug:slug>/settings/tv/": Policy(Role.ADMIN, FORM, slug, {"name": "studio"}),
    "teams/<slug:slug>/settings/tv/<int:pk>/revoke/": Policy(
        Role.ADMIN, POST, lambda side: {**slug(side), "pk": str(side.rows[TvLink].pk)}
    ),
    "tv/<str:token>/": Policy(HOLDER, LOOK, lambda side: {"token": "no-such-token"}),
    "teams/<slug:slug>/bells/": Policy(Role.VIEWER, FORM, slug, {"what": "run:0", "on": "0"}),
    "teams/<slug:slug>/client-ids/": Policy(Role.VIEWER, POST, slug, {"client_id": "mine"}),
    "teams/<slug:slug>/settings/tokens/": Policy(
        Role.VIEWER, FORM, slug, {"name": "mine", "scope": "read", "days": "30"}
    ),
    # Of an admin's token; that everybody may revoke their own: tests/telemetry/test_token_views.py.
    "teams/<slug:slug>/settings/tokens/<int:pk>/revoke/": Policy(
        Role.ADMIN, POST, lambda side: {**slug(side), "pk": str(side.admins_token.pk)}
    ),
    "api/v1/docs": Policy(SIGNED_IN, LOOK),
    "api/v1/openapi.json": Policy(SIGNED_IN, LOOK, unknown="401"),
    "api/v1/me": Policy(SIGNED_IN, LOOK, unknown="401"),
    "api/v1/live": Policy(Role.VIEWER, LOOK, query=team, unknown="401"),
    "api/v1/servers": Policy(Role.VIEWER, LOOK, query=team, unknown="401"),
    "api/v1/servers/<int:server_id>": Policy(
        Role.VIEWER, LOOK, row("server_id", Server), unknown="401"
    ),
    "api/v1/attempts": Policy(Role.VIEWER, LOOK, query=team, unknown="401"),
    "api/v1/attempts/<int:attempt_id>": Policy(
        Role.VIEWER, LOOK, row("attempt_id", Attempt), unknown="401"
    ),
    "api/v1/activity": Policy(Role.VIEWER, LOOK, query=team, unknown="401"),
    "api/v1/failures": Policy(Role.VIEWER, LOOK, query=team, unknown="401"),
    "api/v1/runs": Policy(Role.VIEWER, LOOK, query=team, unknown="401", programs=POST),
    "api/v1/runs/statistics": Policy(Role.VIEWER, LOOK, query=team, unknown="401"),
    **{
        f"api/v1/{of}/export.{form}": Policy(Role.VIEWER, LOOK, query=team, unknown="401")
        for of in ("runs", "scenes")
        for form in ("csv", "json")
    },
    "api/v1/runs/<int:run_id>": Policy(
        Role.VIEWER, LOOK, row("run_id", Run), unknown="401", programs=frozenset({"DELETE"})
    ),
    **{
        f"api/v1/runs/<int:run_id>/{what}": Policy(PROGRAM, POST, row("run_id", Run), unknown="401")
        for what in ("archive", "unarchive", "restore")
    },
}


@dataclass(frozen=True)
class Route:
    """An address with its arguments open, and the model that an admin page is about."""

    path: str
    model: type[models.Model] | None = None

    def filled(self, arguments: dict[str, str]) -> str:
        """Return the address with its arguments put in."""
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", self.path).replace("$", "")
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: arguments[found[1]], path)


def walk(patterns: list[Any], prefix: str = "", model: Any = None) -> Iterator[Route]:
    """Yield every route below the patterns."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            about = re.fullmatch(r"admin/(\w+)/(\w+)/", path)
            below = apps.get_model(about[1], about[2]) if about else model
            yield from walk(pattern.url_patterns, path, below)
        else:
            assert isinstance(pattern, URLPattern)
            yield Route(path, model)


ROUTES = list(walk(get_resolver().url_patterns))
ADMIN_ROUTES = [route for route in ROUTES if route.path.startswith("admin/")]
SITE_ROUTES = [route for route in ROUTES if route not in ADMIN_ROUTES]

each_site_route = pytest.mark.parametrize("route", SITE_ROUTES, ids=lambda r: r.path or "home")


class World:
    """The cast with both teams furnished, and what everybody may know.

    `word` is what stands in all texts of the first team.
    """

    def __init__(self, word: str = "qnorthq") -> None:
        self.cast: Cast = make_cast()
        self.sides = (
            self._side(self.cast.northlight, self.cast.bob, word),
            self._side(self.cast.southdark, self.cast.mallory, "qsouthq"),
        )
        for side in self.sides:
            put_on_wall(side)
        self.browser = Client()
        self._cookies: dict[str, SimpleCookie] = {}

    @staticmethod
    def _side(team: Team, member: User, word: str) -> Side:
        rows = furnish(team, member, word)
        admin = Membership.objects.get(team=team, role=Role.ADMIN)
        link = make_link_token(member, timedelta(hours=1))
        return Side(team, word, rows, link, make_api_token(admin, name=f"{word} admin's"))

    def enter(self, persona: str) -> None:
        """Begin a new session for the persona, in the one browser."""
        self.browser.cookies.clear()
        if persona != "anonymous":
            self.browser.force_login(getattr(self.cast, persona))

    def resume(self, persona: str) -> None:
        """Have the browser as it was when the persona signed in, which is once in a world."""
        if persona not in self._cookies:
            self.enter(persona)
            self._cookies[persona] = self.browser.cookies
        self.browser.cookies = deepcopy(self._cookies[persona])

    def role(self, persona: str, side: Side) -> Role | None:
        """Return the persona's role in the side's team."""
        if persona == "anonymous":
            return None
        user = getattr(self.cast, persona)
        membership = Membership.objects.filter(user=user, team=side.team).first()
        return Role(membership.role) if membership else None

    def foreign_side(self, persona: str) -> Side:
        """Return a team that the persona is not in."""
        return next(side for side in self.sides if self.role(persona, side) is None)

    def forbidden_words(self, persona: str) -> list[bytes]:
        """Return the canaries of the teams that the persona is not in."""
        return [side.word.encode() for side in self.sides if self.role(persona, side) is None]


def ask(world: World, persona: str, method: str, path: str, data: dict[str, str]) -> list[Any]:
    """Return the answer to one request, and the page that it leads on to; all changes are undone.

    That page belongs to it: it is where messages are shown, which travel there encoded.
    """
    world.resume(persona)
    with transaction.atomic():
        if method == "POST":
            answers = [world.browser.post(path, data)]
        else:
            answers = [world.browser.generic(method, path)]
        if "Location" in answers[0].headers:
            answers.append(world.browser.get(answers[0].headers["Location"]))
        transaction.set_rollback(True)
    return answers


def verdict(response: Any) -> str:
    """Return what an answer comes to: "sign in", "ok" or the number of a refusal."""
    if response.headers.get("Location", "").startswith("/login/?next="):
        return "sign in"
    if response.status_code < 400:
        return "ok"
    return str(response.status_code)


def expected(policy: Policy, method: str, persona: str, role: Role | None) -> str:
    """Return the verdict that the policy asks for."""
    if method in policy.programs:
        return "401"
    if method not in policy.methods:
        return "405"
    if policy.who in (HOLDER, PROGRAM):
        return {HOLDER: "404", PROGRAM: "401"}[policy.who]
    if persona == "anonymous" and policy.who != ANYBODY:
        return policy.unknown
    if not isinstance(policy.who, Role):
        return "ok"
    if role is None:
        return "404"
    return policy.allowed if ROLE_RANK[role] >= ROLE_RANK[policy.who] else "403"


def leaks(answers: list[Any], words: list[bytes]) -> set[bytes]:
    """Return the words that stand anywhere in the answers: headers, cookies or bodies."""
    return {word for answer in answers for word in words if word in _everything(answer)}


def _everything(answer: Any) -> bytes:
    body: bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
    cookies: bytes = answer.cookies.output().encode()
    headers: bytes = answer.serialize_headers()
    return headers + cookies + body


@pytest.fixture(autouse=True)
def nobody_asked_before() -> None:
    """Forget who was refused: so many are, that an address would be told to wait."""
    cache.clear()


@pytest.mark.django_db
@each_site_route
def test_a_page_answers_everybody_as_its_policy_says(route: Route) -> None:
    assert route.path in POLICIES, f"{route.path!r} has no entry in POLICIES"
    world = World()

    for persona in PERSONAS:
        for side in world.sides:
            ask_in_every_way(world, persona, side, route)


def ask_in_every_way(world: World, persona: str, side: Side, route: Route) -> None:
    """Ask a route about a team by every method, and hold the answers against its policy."""
    policy, role = POLICIES[route.path], world.role(persona, side)
    words = world.forbidden_words(persona)
    path = route.filled(policy.arguments(side))
    path = f"{path}?{urlencode(query)}" if (query := policy.query(side)) else path
    for method in METHODS:
        answers = ask(world, persona, method, path, policy.data)
        case = f"{persona}: {method} {path}"

        found, wanted = verdict(answers[0]), expected(policy, method, persona, role)
        assert found == wanted, f"{case} -> {found}, not {wanted}"
        assert not leaks(answers, words), f"{case} leaks {leaks(answers, words)}"


API_ROUTES = [
    route
    for route in SITE_ROUTES
    if POLICIES[route.path].unknown == "401" and POLICIES[route.path].who != PROGRAM
]


@pytest.mark.django_db
@pytest.mark.parametrize("persona", ["mallory", "bob", "olga", "alice"])
@pytest.mark.parametrize("route", API_ROUTES, ids=lambda r: r.path)
def test_a_token_is_answered_about_its_own_team_alone(route: Route, persona: str) -> None:
    world = World()
    words = world.forbidden_words(persona)
    membership = Membership.objects.get(user=getattr(world.cast, persona))
    # Its owner has rights in the other team as well: the token has not.
    other = world.foreign_side(persona).team
    Membership.objects.create(user=membership.user, team=other, role=Role.ADMIN)
    client = program(make_token(membership, "matrix", Scope.READ, None)[1])
    policy = POLICIES[route.path]

    for side in world.sides:
        path = f"{route.filled(policy.arguments(side))}?{urlencode(policy.query(side))}"
        response = client.get(path)

        own = side.team == membership.team or not isinstance(policy.who, Role)
        assert verdict(response) == ("ok" if own else "404"), f"{persona}'s token: {path}"
        assert not leaks([response], words), f"{persona}'s token: {path} leaks"


def test_no_policy_is_left_over() -> None:
    assert set(POLICIES) == {route.path for route in SITE_ROUTES}


def test_there_is_no_exception(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nisolation: {len(EXCEPTIONS)} exceptions {EXCEPTIONS}")  # noqa: T201

    assert EXCEPTIONS == []


@pytest.mark.django_db
def test_every_text_of_a_team_carries_its_canary() -> None:
    [side, _] = World().sides
    ours = [m for app in ("telemetry", "history") for m in apps.get_app_config(app).get_models()]

    without = [
        f"{model._meta.label}.{column.name}"
        for model in ours
        for column in model._meta.concrete_fields
        if isinstance(column, models.CharField | models.TextField | models.JSONField)
        if not column.choices and not isinstance(column, models.SlugField)
        if side.word not in str(getattr(side.rows[model], column.name))
    ]

    assert not without, f"tests/cast.py furnishes without the word: {without}"


def put_on_wall(side: Side) -> None:
    """Retain a fragment and a line of the feed with the side's canary, as its collector would."""
    server = side.rows[Server]
    owned = (f"server-{server.pk}-head", f"run-{side.rows[Run].pk}-mini")
    fragments = [Fragment(element, f"<p>{side.word} live</p>") for element in owned]
    line = Fragment(f"event-{server.pk}-1", f"<li>{side.word} live</li>", "feed")
    change = Change(fragments, [(f"server-{server.pk}", "data-state", side.word)], [line])
    async_to_sync(live_store().stamp)(team_topic(side.team.pk), [Part((server.pk, 1), change)])
