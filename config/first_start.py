"""What the first start makes: a team, a site admin with a way in, the servers that are named."""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse

from telemetry.address import normal_base_url
from telemetry.comfyui import ComfyUI
from telemetry.models import Membership, Role, Server, Team
from telemetry.protocol import read_stats
from telemetry.protocol.wire import Unreadable
from telemetry.sign_in import make_link_token
from telemetry.unanswered import NoAnswer, Refused

TEAM_NAME = "My team"
TEAM_SLUG = "my-team"
LINK_VALID_FOR = timedelta(hours=1)
USUAL_URL = "http://127.0.0.1:8188"


@dataclass(frozen=True, slots=True)
class WayIn:
    """How the site admin signs in for the first time: a link's path, or a password set before."""

    username: str
    path: str | None


@transaction.atomic
def make_admin() -> WayIn | None:
    """Make the first team and the site admin; None where a user exists already.

    Without SCENEWATCH_ADMIN_PASSWORD a link is made that signs in once.
    """
    users = get_user_model().objects
    if users.exists():
        return None
    password = settings.ADMIN_PASSWORD or None
    admin = users.create_superuser(settings.ADMIN_USER, email="", password=password)
    team, _ = Team.objects.get_or_create(slug=TEAM_SLUG, defaults={"name": TEAM_NAME})
    Membership.objects.create(team=team, user=admin, role=Role.ADMIN)
    if password:
        return WayIn(admin.get_username(), None)
    return WayIn(admin.get_username(), link_path(admin))


def link_path(user: User) -> str:
    """Return the path of a new link that signs user in once."""
    return reverse("sign_in_link", args=[make_link_token(user, LINK_VALID_FOR)])


def unused_way_in() -> WayIn | None:
    """Return a new link for a site admin who has never signed in and has no password."""
    for admin in get_user_model().objects.filter(is_superuser=True, last_login=None):
        if not admin.has_usable_password():
            return WayIn(admin.get_username(), link_path(admin))
    return None


def invitation(base: str) -> str | None:
    """Return in words how the site admin signs in for the first time; None where one has already.

    base is the site's address, like http://127.0.0.1:8000.
    """
    way_in = make_admin() or unused_way_in()
    if way_in is None:
        return None
    if way_in.path is None:
        return f"Sign in as {way_in.username} with the password from SCENEWATCH_ADMIN_PASSWORD."
    return (
        f"Sign in as {way_in.username} with this link, once, within an hour:\n"
        f"  {base}{way_in.path}\nThen choose a password under the account menu."
    )


def first_team() -> Team:
    """Return the team that servers named on the command line go to."""
    team = Team.objects.order_by("pk").first()
    return team or Team.objects.create(name=TEAM_NAME, slug=TEAM_SLUG)


def add_servers(urls: Iterable[str]) -> list[Server]:
    """Add the servers that the first team does not have yet; raises ValidationError."""
    team = first_team()
    return [_server(team, normal_base_url(url)) for url in urls]


def _server(team: Team, url: str) -> Server:
    known = Server.objects.kept().filter(team=team, url=url).first()
    if known is not None:
        if not known.enabled:
            known.enabled = True
            known.save(update_fields=["enabled"])
        return known
    name = url.partition("://")[2][:50]
    if Server.objects.kept().filter(team=team, name=name).exists():
        name = f"{name} {secrets.token_hex(2)}"
    return Server.objects.create(
        team=team, name=name, url=url, position=Server.objects.filter(team=team).count()
    )


def add_simulated(urls: dict[str, str]) -> None:
    """Have exactly these simulated servers (name: URL) in the first team."""
    team = first_team()
    for place, (name, url) in enumerate(urls.items()):
        kept = Server.objects.kept()
        kept.filter(team=team, url=url).exclude(name=name).update(enabled=False)
        kept.update_or_create(
            team=team,
            name=name,
            defaults={"url": url, "simulated": True, "enabled": True, "position": place},
        )


def rest_simulated() -> int:
    """Stop following simulated servers; return how many there were."""
    return Server.objects.filter(simulated=True, enabled=True).update(enabled=False)


def add_and_probe(urls: Iterable[str]) -> Iterator[str]:
    """Add the servers, then say of each whether it answers; raises ValidationError."""
    for server in add_servers(urls):
        yield f"{server.url} {probe(server.url)}"


def probe(url: str) -> str:
    """Return in words whether a ComfyUI answers at url: "answers: ComfyUI 0.33.0", or why not."""
    return asyncio.run(_probe(url))


def answers(url: str) -> bool:
    """Say whether a ComfyUI answers at url."""
    return probe(url).startswith("answers")


async def _probe(url: str) -> str:
    comfyui = ComfyUI(url, timeout_s=3)
    try:
        stats = read_stats((await comfyui.get("/system_stats")).body)
    except (Refused, NoAnswer) as error:
        return f"does not answer: {error}. It is tried again until it does."
    except Unreadable:
        return "answers, but not as a ComfyUI does: is the address right?"
    finally:
        await comfyui.close()
    return f"answers: ComfyUI {stats.comfyui_version or 'of unknown version'}"
