"""Teams and their people, the ComfyUI servers they watch, and who watches which server now."""

import datetime as dt
import json
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from telemetry.address import validate_base_url
from telemetry.zones import validate_zone


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


class ServerQuerySet(models.QuerySet["Server"]):
    """Servers, narrowed by who asks and by whether they are watched."""

    def of(self, user_id: int) -> "ServerQuerySet":
        """Return the servers of the teams that the user is a member of."""
        return self.kept().filter(team__memberships__user_id=user_id)

    def kept(self) -> "ServerQuerySet":
        """Return the servers that were not deleted."""
        return self.filter(deleted_at=None)

    def watched(self) -> "ServerQuerySet":
        """Return the servers that a collector should follow."""
        return self.kept().filter(enabled=True)


class Server(models.Model):
    """One ComfyUI process at a base URL, with or without a path.

    A deleted one stays as a row, so that its history keeps its server; its name and address are
    free for another.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="servers")
    name = models.CharField(max_length=60)
    url = models.CharField(
        "base URL",
        max_length=300,
        validators=[validate_base_url],
        help_text="http://gpu-3:8188, or with a path: https://render.example/comfy",
    )
    bearer_encrypted = models.TextField("bearer token", blank=True, default="", editable=False)
    basic_encrypted = models.TextField(
        "user and password", blank=True, default="", editable=False, help_text="user:password"
    )
    authorities = models.TextField(
        "certificates to trust",
        blank=True,
        default="",
        help_text="PEM. Only for an https:// address that no authority known to this system signs: "
        "the certificate of yours, or the server's own.",
    )
    enabled = models.BooleanField(
        default=True, help_text="Off: the server is no longer followed, its history stays."
    )
    simulated = models.BooleanField(default=False, help_text="A simulator, not a ComfyUI.")
    paused_at = models.DateTimeField(
        "disconnected at",
        null=True,
        editable=False,
        help_text="Disconnected by hand since then, until somebody connects it again.",
    )
    silenced_until = models.DateTimeField(
        null=True, editable=False, help_text="Watched, but not among what needs attention."
    )
    position = models.PositiveIntegerField(default=0, help_text="Its place on the wall.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = ServerQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "url"],
                condition=models.Q(deleted_at=None),
                name="server_url_once_per_team",
                violation_error_message="The team has a server with this address already.",
            ),
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=models.Q(deleted_at=None),
                name="server_name_once_per_team",
                violation_error_message="The team has a server with this name already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.deleted_at is None else f"{self.name} (deleted)"

    def retire(self, at: dt.datetime) -> None:
        """Delete the server for everybody: it is followed no more and forgets its secrets.

        Its history stays, and so does this row.
        """
        self.deleted_at, self.enabled = at, False
        self.bearer_encrypted = self.basic_encrypted = ""
        self.save(
            update_fields=["deleted_at", "enabled", "bearer_encrypted", "basic_encrypted"],
        )


class Device(models.Model):
    """A GPU (or the CPU) of a server, as `/system_stats` last told it."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="devices")
    index = models.PositiveSmallIntegerField()
    uuid = models.CharField(max_length=80, blank=True, default="")
    name = models.CharField(max_length=120)
    model = models.CharField(
        max_length=60, blank=True, default="", help_text="Its name without make and place."
    )
    kind = models.CharField(max_length=20, help_text="cuda, cpu, mps, xpu, …")
    vram_total_bytes = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["server", "index"]
        constraints = [
            models.UniqueConstraint(fields=["server", "index"], name="device_once_per_index"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.server} #{self.index})"


class Environment(models.Model):
    """What a server ran on from `since` on: a row per change, kept.

    `driver_version` is known where the collector runs on the GPU's host. `packages` are those that
    ComfyUI names itself, `node_packs` the custom nodes where somebody told them: name to version.
    """

    server = models.ForeignKey(Server, models.CASCADE, related_name="environments")
    since = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of everything below.")
    comfyui_version = models.CharField(max_length=40, null=True)
    python_version = models.CharField(max_length=120, null=True)
    pytorch_version = models.CharField(max_length=60, null=True)
    driver_version = models.CharField(max_length=40, null=True)
    os = models.CharField(max_length=40, null=True)
    ram_total_bytes = models.BigIntegerField(null=True)
    argv = models.JSONField(default=list)
    devices = models.JSONField(default=list)
    packages = models.JSONField(default=dict)
    node_packs = models.JSONField(default=dict)

    class Meta:
        ordering = ["-since"]
        indexes = [models.Index(fields=["server", "-since"], name="environment_newest")]

    def __str__(self) -> str:
        return (
            f"{self.server}: ComfyUI {self.comfyui_version or '–'} since {self.since:%d %b %H:%M}"
        )


class BlindWindow(models.Model):
    """A time in which a server was not watched: what is missing there is missing, not zero."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="blind_windows")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(fields=["server", "began_at"], name="blind_window_once"),
        ]
        indexes = [models.Index(fields=["server", "-began_at"], name="blind_window_newest")]

    def __str__(self) -> str:
        return f"{self.server} from {self.began_at:%d %b %H:%M:%S}"


class Lease(models.Model):
    """Which collector follows a server: the row that makes writes and publications safe.

    `fence` grows by one with every new owner and never shrinks. Who writes names the fence that he
    holds; if the row holds a higher one, somebody else took over and the write is refused.
    """

    server = models.OneToOneField(Server, models.CASCADE, related_name="lease", primary_key=True)
    owner = models.CharField(max_length=120, blank=True, default="")
    fence = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(default=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    renewed_at = models.DateTimeField(null=True, help_text="When its owner last lived.")
    url = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text="The address that the record is of; another than the server's: not judged yet.",
    )
    backfilling = models.BooleanField(
        default=False, help_text="The server's history has been read in part only."
    )

    def __str__(self) -> str:
        return f"{self.server}: {self.owner or 'nobody'} (fence {self.fence})"


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


class TvLinkQuerySet(models.QuerySet["TvLink"]):
    """Links, narrowed by whether they are good."""

    def good(self, at: dt.datetime) -> "TvLinkQuerySet":
        """Return the links that were neither revoked nor have run out at a time."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        return self.filter(unexpired, revoked_at=None)


class TvLink(models.Model):
    """A link that shows a team's wall to whoever holds it, read-only and without signing in.

    Only the SHA-256 of its token is kept. `last_seen_at` is written once a minute at most.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="tv_links")
    name = models.CharField(max_length=60, help_text="Where it hangs: studio 2, reception.")
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    show_names = models.BooleanField(
        "show who submitted what",
        default=False,
        help_text="Off: the names of submitters are not sent to the screen at all.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="tv_links"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    objects: ClassVar = TvLinkQuerySet.as_manager()

    class Meta:
        ordering = ["team", "-created_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.team}"

    @property
    def is_good(self) -> bool:
        """Say whether it shows anything now."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not expired


class SignInLink(models.Model):
    """A link that signs one user in once; only the SHA-256 of its token is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_in_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"for {self.user}, until {self.expires_at:%d %b %H:%M}"


class Scope(models.TextChoices):
    """What an API token is for; `SCOPE_GRANTS` says what each includes."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"
    INGEST = "ingest", "Ingest only"


SCOPE_GRANTS = {
    Scope.READ: {Scope.READ},
    Scope.WRITE: {Scope.READ, Scope.WRITE},
    Scope.INGEST: {Scope.INGEST},
}
# A token can never do more than its member's role can.
SCOPE_ROLE = {
    Scope.READ: Role.VIEWER,
    Scope.WRITE: Role.OPERATOR,
    Scope.INGEST: Role.OPERATOR,
}


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """API tokens, narrowed by whether they still open anything."""

    def alive(self, at: dt.datetime) -> "ApiTokenQuerySet":
        """Return the tokens that are neither revoked nor expired, of users who are active."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        return self.filter(unexpired, revoked_at=None, membership__user__is_active=True)


class ApiToken(models.Model):
    """A program's way in, as one member of one team; it ends with the membership.

    Only the SHA-256 of the text is kept. `prefix` is its beginning: shown, and what it is found by.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16, unique=True)
    token_sha256 = models.CharField(max_length=64)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="Noted once a minute at most.")

    objects: ClassVar = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def may(self, scope: Scope) -> bool:
        """Say whether the token includes a scope, and its member's role still does too."""
        granted = scope in SCOPE_GRANTS[Scope(self.scope)]
        return granted and self.membership.may(SCOPE_ROLE[scope])

    def ended_at(self, at: dt.datetime) -> dt.datetime | None:
        """Return since when the token opens nothing, None while it does."""
        ends = [end for end in (self.revoked_at, self.expires_at) if end is not None and end <= at]
        return min(ends, default=None)


class Action(models.TextChoices):
    """What somebody did to a server."""

    INTERRUPT = "interrupt", "Interrupted a prompt"
    CANCEL = "cancel", "Cancelled a waiting prompt"
    RESUBMIT = "resubmit", "Submitted lost prompts again"
    CONNECT = "connect", "Connected"
    DISCONNECT = "disconnect", "Disconnected"
    SILENCE = "silence", "Silenced for an hour"
    SPEAK = "speak", "Ended the silence"
    ADD = "add", "Added"
    CHANGE = "change", "Changed the settings"
    ENABLE = "enable", "Enabled"
    DISABLE = "disable", "Disabled"
    DELETE = "delete", "Deleted"


class AuditEntry(models.Model):
    """Who did what to a server, and what came of it. Kept when its user is deleted."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="audit")
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    who = models.CharField(max_length=150, help_text="The user's name then.")
    action = models.CharField(max_length=10, choices=Action.choices)
    target = models.CharField(
        max_length=200, blank=True, default="", help_text="On what of the server: a prompt_id."
    )
    done = models.BooleanField(help_text="Whether it came about.")
    outcome = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["server", "-at"], name="audit_of_server"),
            models.Index(fields=["at"], name="audit_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.who}: {self.get_action_display()}"


class Theme(models.TextChoices):
    """A colour scheme, for the eye of one person."""

    SYSTEM = "system", "As the system has it"
    DARK = "dark", "Dark"
    LIGHT = "light", "Light"


class Preferences(models.Model):
    """How a person wants the site to look and to move: one row per user, made when first saved."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="preferences", primary_key=True
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        validators=[validate_zone],
        help_text="Every time on every page is told in it.",
    )
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    live_enabled = models.BooleanField(
        "pages move by themselves",
        default=True,
        help_text="Off: a page stays as it was loaded. Reload it to see what is new.",
    )
    live_buffer_ms = models.PositiveSmallIntegerField(
        "gather changes for",
        default=200,
        validators=[MinValueValidator(50), MaxValueValidator(1000)],
        help_text="50 to 1000 ms. Longer: fewer repaints, for slow machines.",
    )
    live_reconnect_attempts = models.PositiveSmallIntegerField(
        "attempts to reconnect",
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="1 to 20. After so many in a row the page says so and asks every 30 s.",
    )
    live_debug = models.BooleanField(
        "debug log",
        default=False,
        help_text="A line on the browser's console for each message. For bug reports.",
    )

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"

    @property
    def live_options(self) -> str:
        """Return what static/js/live.js goes by, as JSON."""
        options = {
            "enabled": self.live_enabled,
            "buffer_ms": self.live_buffer_ms,
            "reconnect_attempts": self.live_reconnect_attempts,
            "debug": self.live_debug,
        }
        return json.dumps(options)
