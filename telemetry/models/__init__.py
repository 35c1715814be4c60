"""Teams and their people, the ComfyUI servers they watch, and who watches which server now."""

from telemetry.models.audit import Action, AuditEntry
from telemetry.models.people import ROLE_RANK, ClientClaim, Membership, Role, Team, TeamQuerySet
from telemetry.models.preferences import Preferences, Theme
from telemetry.models.servers import Device, Environment, Server, ServerQuerySet
from telemetry.models.watching import BlindWindow, Lease
from telemetry.models.ways_in import (
    SCOPE_GRANTS,
    SCOPE_ROLE,
    ApiToken,
    ApiTokenQuerySet,
    Scope,
    SignInLink,
    TvLink,
    TvLinkQuerySet,
)

__all__ = [
    "ROLE_RANK",
    "SCOPE_GRANTS",
    "SCOPE_ROLE",
    "Action",
    "ApiToken",
    "ApiTokenQuerySet",
    "AuditEntry",
    "BlindWindow",
    "ClientClaim",
    "Device",
    "Environment",
    "Lease",
    "Membership",
    "Preferences",
    "Role",
    "Scope",
    "Server",
    "ServerQuerySet",
    "SignInLink",
    "Team",
    "TeamQuerySet",
    "Theme",
    "TvLink",
    "TvLinkQuerySet",
]
