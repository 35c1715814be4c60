"""Asking the API as a program does, and as a browser that is signed in does."""

import json
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from telemetry.models import Membership, Scope, Team
from telemetry.tokens import make_token


def member(user: User, team: Team) -> Membership:
    """Return the user's membership of the team."""
    return Membership.objects.get(user=user, team=team)


def token_text(
    user: User, team: Team, scope: Scope = Scope.READ, expires_at: datetime | None = None
) -> str:
    """Return the text of a new token of the user's."""
    return make_token(member(user, team), "test", scope, expires_at)[1]


def program(text: str) -> Client:
    """Return a client that sends a token."""
    return Client(headers={"Authorization": f"Bearer {text}"})


def signed_in(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def get(client: Client, path: str, **asked: Any) -> Any:
    """Return the JSON of an answer that must be a good one."""
    response = client.get(f"/api/v1/{path}", asked)
    assert response.status_code == 200, response.getvalue()
    return json.loads(response.getvalue())


def refusal(client: Client, path: str, **asked: Any) -> tuple[int, dict[str, str]]:
    """Return the status of a refusal and what it says."""
    response = client.get(f"/api/v1/{path}", asked)
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]
