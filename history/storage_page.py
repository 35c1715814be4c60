"""Settings > Storage: how much of the record is the team's, and how much it may be."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from history import storage
from history.storage import MIB, WARN_FROM, Usage
from telemetry.access import team_for
from telemetry.models import Membership, Role, Team
from telemetry.settings_nav import groups_for


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows: how many, and their part of all, for people and as a bar."""

    name: str
    rows: str
    size: str
    width: str


@dataclass(frozen=True, slots=True)
class Level:
    """How full the quota is: in words, with an icon and a tone."""

    words: str
    icon: str
    tone: str
    width: str


@require_safe
@login_required
def team_storage(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the team keeps, by kind, and how much of its quota that is."""
    membership = team_for(request.user, slug)
    usage = storage.usage_of(membership.team)
    context = {
        "team": membership.team,
        "nav": groups_for(request.user),
        "here": f"team_storage {slug}",
        "usage": usage,
        "total": _size(usage.bytes) if usage else "",
        "kinds": _kinds(usage) if usage else [],
        "level": level_of(usage) if usage else None,
        "may_measure": membership.may(Role.ADMIN),
    }
    return render(request, "history/storage.html", context)


@require_POST
@login_required
def measure_storage(request: HttpRequest, slug: str) -> HttpResponse:
    """Measure now what else the night's purge does."""
    team_for(request.user, slug, Role.ADMIN)
    storage.measure(timezone.now())
    messages.success(request, "Measured.")
    return redirect("team_storage", slug)


def warning_for(membership: Membership) -> Level | None:
    """Return what an admin is told where the quota is nearly, or wholly, used up."""
    if storage.quota_bytes() is None or not membership.may(Role.ADMIN):
        return None
    level = _level(membership.team)
    return level if level and level.tone != "ok" else None


def _level(team: Team) -> Level | None:
    usage = storage.usage_of(team)
    return level_of(usage) if usage else None


def level_of(usage: Usage) -> Level | None:
    """Return how full the quota is; None without one."""
    share, quota = usage.share, usage.quota_bytes
    if share is None or quota is None:
        return None
    words = f"{_size(usage.bytes)} of {_size(quota)}, {100 * share:.0f}%"
    width = f"{100 * min(1, share):.1f}%"
    if share >= 1:
        return Level(f"{words}: files are refused", "s-failed", "bad", width)
    if share >= WARN_FROM:
        return Level(f"{words}: nearly full", "s-warn", "warn", width)
    return Level(words, "s-completed", "ok", width)


def _kinds(usage: Usage) -> list[Kind]:
    largest = max((size for _, size in usage.kinds.values()), default=0) or 1
    told = sorted(usage.kinds.items(), key=lambda one: -one[1][1])
    return [
        Kind(
            name.capitalize().replace("Gpu", "GPU"),
            f"{rows:,}",
            _size(size),
            f"{100 * size / largest:.1f}%",
        )
        for name, (rows, size) in told
        if rows
    ]


def _size(count: int) -> str:
    return f"{count / MIB:,.1f} MiB" if count >= MIB / 10 or not count else "under 0.1 MiB"
