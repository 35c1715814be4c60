"""Walls on screens: links that show a team's wall without signing in, and who listens by one.

The name of a submitter is personal, and a screen hangs where anybody passes; nor does anything on
it lead into the site. Cards are rendered once for everybody, so names and links are taken out where
finished text is handed on to such screens, once a message and not once a screen. For that templates
put every name between <!--by--> and <!--/by-->, or into data-by, and the tags of every link between
<!--to--> and <!--/to-->: no text of a server can hold any of these, once it is escaped.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.http import Http404

from telemetry.access import tv_allowed, tv_link_for
from telemetry.envelope import team_topic
from telemetry.listener import NOT_FOUND, Allowed, Refused
from telemetry.models import Team, TvLink

_LINKS = re.compile(r"<!--to-->.*?<!--/to-->", re.DOTALL)
_NAMES = re.compile(r'<!--by-->.*?<!--/by-->| data-by="[^"]*"', re.DOTALL)
_MARKS = ("<!--to-->", "<!--by-->", "data-by=")


def make_link(
    team: Team, by: User, name: str, show_names: bool, expires_at: datetime | None
) -> tuple[TvLink, str]:
    """Return a new link and its token, which nobody can be told again."""
    token = secrets.token_urlsafe(32)
    link = TvLink.objects.create(
        team=team,
        created_by=by,
        name=name,
        show_names=show_names,
        expires_at=expires_at,
        token_sha256=hashlib.sha256(token.encode()).hexdigest(),
    )
    return link, token


def for_screen(html: str, show_names: bool) -> str:
    """Return HTML of our templates without links, and without the names of submitters."""
    html = _LINKS.sub("", html)
    return html if show_names else _NAMES.sub("", html)


@lru_cache(maxsize=64)
def text_for_screen(text: str, show_names: bool) -> str:
    """Return a message, as it goes over the wire, as screens are sent it.

    The hub hands the same text to all viewers: only the first screen of a process waits for this.
    """
    if not any(mark in text for mark in _MARKS):
        return text  # most are patches, which hold neither
    body = json.loads(text)
    for part in (*body.get("fragments", ()), *body.get("feed", ())):
        part["html"] = for_screen(part["html"], show_names)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


@dataclass(eq=False, slots=True)
class Screen:
    """A screen that listens by a link: to its team's wall and to nothing else (see listener.py)."""

    token: str
    link: TvLink | None = None

    @property
    def name(self) -> str:
        """Return whose connections are counted together."""
        return f"tv-{self.link.pk if self.link else 0}"

    async def enter(self, topic: str) -> int:
        """Return the link's team; raises Refused where the topic is not that team's wall."""
        try:
            self.link = await database_sync_to_async(tv_link_for)(self.token)
        except Http404:
            raise Refused(NOT_FOUND, "this link was revoked, has run out or never was") from None
        if topic != team_topic(self.link.team_id):
            raise Refused(NOT_FOUND, f"{topic} is not what this link shows")
        return self.link.team_id

    def worded(self, text: str) -> str:
        """Return a text as the screen is sent it: without names, unless its link shows them."""
        return text_for_screen(text, bool(self.link and self.link.show_names))

    @classmethod
    def allowed(cls, listeners: Collection["Screen"]) -> Allowed:
        """Return the team that each may still listen to: none where its link is not good."""
        teams = tv_allowed([each.link.pk for each in listeners if each.link])
        links = {each: each.link.pk if each.link else 0 for each in listeners}
        return {each: frozenset([teams[pk]] if pk in teams else []) for each, pk in links.items()}
