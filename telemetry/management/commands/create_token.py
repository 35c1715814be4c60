"""`manage.py create_token`: an API token for a member, without the page."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.clock import now
from telemetry.models import Membership, Scope, Team
from telemetry.tokens import LONGEST_DAYS, VALID_DAYS, RoleTooLow, expiry, make_token


class Command(BaseCommand):
    """Make a token and print its text, once."""

    help = "Make an API token for a member of a team, and print it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--team", required=True, metavar="SLUG")
        parser.add_argument("--user", required=True, help="a member of the team, by user name")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.READ)
        parser.add_argument(
            "--days", type=int, default=VALID_DAYS, help="until it expires; 0: never (default: 90)"
        )
        parser.add_argument("--name", default="create_token", help="what uses it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token; only its text goes to the standard output, for scripts to take."""
        if not 0 <= options["days"] <= LONGEST_DAYS:
            raise CommandError(f"--days: write 0 to {LONGEST_DAYS}; 0 for one that never expires.")
        expires_at = expiry(now(), options["days"])
        membership = _membership(options["team"], options["user"])
        name, scope = options["name"][:60], Scope(options["scope"])
        try:
            token, text = make_token(membership, name, scope, expires_at)
        except RoleTooLow as error:
            raise CommandError(str(error)) from error
        until = f"until {expires_at:%d %b %Y}" if expires_at else "without end"
        self.stderr.write(f"{token} of {membership}, scope {scope}, {until}. Shown this once:")
        self.stdout.write(text)


def _membership(slug: str, username: str) -> Membership:
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        known = ", ".join(Team.objects.values_list("slug", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no team {slug!r}. Teams: {known}.")
    members = Membership.objects.select_related("team", "user").filter(team=team)
    found = members.filter(user__username=username, user__is_active=True).first()
    if found is None:
        raise CommandError(
            f"{username!r} is no active member of {team}. Make them one in the admin, or name "
            f"another: {', '.join(m.user.get_username() for m in members[:20]) or 'it has none'}."
        )
    return found
