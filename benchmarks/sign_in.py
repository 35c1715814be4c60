"""People of the team "bench", each signed in as often as asked for."""

from typing import Protocol


class Shell(Protocol):
    """A site in which code can be run."""

    def shell(self, code: str) -> str:
        """Run code with Django set up; return what it printed."""


_SIGN_IN = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from telemetry.models import Membership, Team
team, _ = Team.objects.get_or_create(slug="bench", defaults={{"name": "bench"}})
keys = []
for n in range({people}):
    user = User.objects.create_user(f"viewer-{{n}}")
    Membership.objects.create(team=team, user=user)
    for _ in range({sessions}):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        keys.append(session.session_key)
print("keys", team.pk, *keys)
"""


def signed_in(site: Shell, people: int, sessions: int = 1) -> tuple[int, list[str]]:
    """Return the team's id, and the session keys of new people, person by person."""
    said = site.shell(_SIGN_IN.format(people=people, sessions=sessions)).split()
    team_id, *keys = said[said.index("keys") + 1 :]
    return int(team_id), keys
