"""Who did what to a server, written down where it is done."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from telemetry.models import Action, AuditEntry, Server


def note(
    user: AbstractBaseUser | AnonymousUser,
    server: Server,
    action: Action,
    target: str = "",
    outcome: str = "",
    *,
    done: bool = True,
) -> None:
    """Write down what a user did to a server, on what of it, and what came of it."""
    AuditEntry.objects.create(
        server=server,
        user_id=user.pk,
        who=user.get_username()[:150],
        action=action,
        target=target[:200],
        done=done,
        outcome=outcome[:300],
    )
