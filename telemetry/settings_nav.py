"""The pages below Settings that a person may open: a row per page."""

from dataclasses import dataclass

from django.urls import reverse

from telemetry.access import Person, memberships_of
from telemetry.models import Membership, Role


@dataclass(frozen=True, slots=True)
class Item:
    """A link beside the settings; `key` names its page, with its team."""

    key: str
    label: str
    icon: str
    href: str


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one team, or a person's own, which have no title."""

    title: str
    items: list[Item]


# name of the route with a team's slug, label, icon, who may open it
TEAM_PAGES: tuple[tuple[str, str, str, Role], ...] = (
    ("server_settings", "Servers", "i-server", Role.ADMIN),
    ("tokens", "API tokens", "i-key", Role.VIEWER),
    ("team_storage", "Storage", "i-chip", Role.VIEWER),
    ("tv_links", "Screens", "i-wall", Role.ADMIN),
)


def groups_for(user: Person) -> list[Group]:
    """Return the settings that the user may open: their own, then each team's."""
    own = Group("", [Item("me", "Me", "i-user", reverse("me"))])
    teams = [_of_team(membership) for membership in memberships_of(user)]
    return [own, *(group for group in teams if group.items)]


def _of_team(membership: Membership) -> Group:
    slug = membership.team.slug
    items = [
        Item(f"{name} {slug}", label, icon, reverse(name, args=[slug]))
        for name, label, icon, role in TEAM_PAGES
        if membership.may(role)
    ]
    return Group(membership.team.name, items)
