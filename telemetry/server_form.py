"""A server's settings as a form: secrets can be written and never read."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone

from telemetry import tls
from telemetry.address import normal_base_url
from telemetry.models import Server
from telemetry.secrets import encrypt

KEPT = "Never shown again. Left empty, what is stored stays; enter a new one to replace it."
BOTH = (
    "A server is shown either a bearer token or a user and password, for a request has room for "
    "one of them. Tick to forget the one that is not wanted."
)
# Whatever else would end the header's line, or mean different bytes to different servers.
HEADER_TEXT = RegexValidator(
    r"^[\x21-\x7e]+$", "Letters, digits and punctuation of ASCII only, without spaces."
)
USER = RegexValidator(r"^[^:\x00-\x1f\x7f]+$", "No colon and no control characters.")
PASSWORD = RegexValidator(r"^[^\x00-\x1f\x7f]+$", "No control characters.")


def _secret(label: str, validator: RegexValidator, *, strip: bool = True) -> forms.CharField:
    """Return a field whose value is never rendered back."""
    return forms.CharField(
        label=label,
        required=False,
        strip=strip,
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=KEPT,
        validators=[validator],
    )


class ServerForm(forms.ModelForm):  # type: ignore[type-arg]
    """A server with its credentials: encrypted when stored, told only as set or not."""

    bearer = _secret("New bearer token", HEADER_TEXT)
    forget_bearer = forms.BooleanField(label="Forget the bearer token", required=False)
    basic_user = _secret("New user", USER)
    basic_password = _secret("New password", PASSWORD, strip=False)
    forget_basic = forms.BooleanField(label="Forget the user and password", required=False)

    class Meta:
        model = Server
        fields: ClassVar[tuple[str, ...]] = (
            "team",
            "name",
            "url",
            "enabled",
            "simulated",
            "position",
            "authorities",
        )
        widgets: ClassVar = {
            "authorities": forms.Textarea(
                attrs={"rows": 8, "spellcheck": "false", "placeholder": "-----BEGIN CERTIFICATE---"}
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A server's history does not change hands. Disabled and not read-only: a field that is not
        # in the form would take the unique constraints that name it out of the validation.
        if "team" in self.fields:
            self.fields["team"].disabled = self.instance.pk is not None

    def _get_validation_exclusions(self) -> set[str]:
        """Validate also what depends on a server not being deleted: names and addresses once."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - {"deleted_at"}

    def clean_url(self) -> str:
        """Return the address in the one form in which addresses are compared."""
        return normal_base_url(self.cleaned_data["url"])

    def clean_authorities(self) -> str:
        """Refuse what is no certificate, or one that can be trusted no longer."""
        pem = "\n".join(self.cleaned_data["authorities"].split("\r\n")).strip()
        # One that has expired since must not stand in the way of other changes.
        if pem and pem != self.instance.authorities:
            try:
                tls.read_authorities(pem, timezone.now())
            except tls.BadCertificate as error:
                raise ValidationError(str(error)) from error
        return pem

    def clean(self) -> dict[str, Any]:
        """Refuse credentials that contradict each other."""
        cleaned = super().clean() or self.cleaned_data
        for kind, typed in (("bearer", ("bearer",)), ("basic", ("basic_user", "basic_password"))):
            if cleaned.get(f"forget_{kind}") and any(cleaned.get(name) for name in typed):
                self.add_error(f"forget_{kind}", "Either new credentials or none: not both.")
        self._want_both_halves(cleaned)
        if self._will_have("bearer", "bearer") and self._will_have("basic", "basic_user"):
            raise ValidationError(BOTH)
        return cleaned

    def _want_both_halves(self, cleaned: dict[str, Any]) -> None:
        user, password = cleaned.get("basic_user"), cleaned.get("basic_password")
        if password and not user and "basic_user" not in self.errors:
            self.add_error("basic_user", "Enter the user too: both are stored together.")
        if user and not password and "basic_password" not in self.errors:
            self.add_error("basic_password", "Enter the password too: both are stored together.")

    def _will_have(self, kind: str, typed: str) -> bool:
        """Say whether the server would have credentials of this kind once saved."""
        if self.cleaned_data.get(typed):
            return True
        stored = getattr(self.instance, f"{kind}_encrypted")
        return bool(stored) and not self.cleaned_data.get(f"forget_{kind}")

    def unsaved(self) -> Server:
        """Return the server as the valid form has it, secrets encrypted; nothing is stored."""
        cleaned = self.cleaned_data
        new = {
            "bearer": cleaned["bearer"],
            "basic": f"{cleaned['basic_user']}:{cleaned['basic_password']}",
        }
        typed = {"bearer": cleaned["bearer"], "basic": cleaned["basic_user"]}
        for kind, secret in new.items():
            if typed[kind] or cleaned[f"forget_{kind}"]:
                stored = encrypt(secret) if typed[kind] else ""
                setattr(self.instance, f"{kind}_encrypted", stored)
        server: Server = self.instance
        return server

    def save(self, commit: bool = True) -> Server:
        """Encrypt what was typed; what is stored stays where nothing was."""
        self.unsaved()
        server: Server = super().save(commit)
        return server


class TeamServerForm(ServerForm):
    """The same for the admins of one team, whose server the instance is, new or not."""

    class Meta(ServerForm.Meta):
        fields: ClassVar[tuple[str, ...]] = ServerForm.Meta.fields[1:]

    def _get_validation_exclusions(self) -> set[str]:
        """Validate names and addresses within the team, which the instance says."""
        return super()._get_validation_exclusions() - {"team"}
