"""Teams, who is in them as what, and which client_ids are whose."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinLengthValidator
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a member may do in a team; each role may do what those before it may."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


ROLE_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams, narrowed by who asks."""

    def of(self, user_id: int) -> "TeamQuerySet":
        """Return the teams that the user is a member of."""
        return self.filter(memberships__user_id=user_id)


class Team(models.Model):
    """The tenant: every server, run, preset and token belongs to one."""

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=40, unique=True, validators=[MinLengthValidator(1)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once_per_team"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}: {self.get_role_display()}"

    def may(self, role: Role) -> bool:
        """Say whether this membership includes what the given role may do."""
        return ROLE_RANK[Role(self.role)] >= ROLE_RANK[role]


class ClientClaim(models.Model):
    """A member's word that a ComfyUI client_id of this team is theirs ("Mine" everywhere)."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="client_claims")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="client_claims")
    client_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "client_id"], name="client_id_claimed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} is {self.user}"
