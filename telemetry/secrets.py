"""Secrets of servers at rest: Fernet under a key that is derived from the site's secret key."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

LOST = "cannot be read any more, since the site's key has changed: enter it again"


class SecretLost(Exception):
    """The secret was encrypted under another key; it must be entered again."""


def _fernet() -> Fernet:
    digest = hashlib.sha256(b"scenewatch server secrets\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def encrypt(secret: str) -> str:
    """Return the secret as text for the database; "" stays ""."""
    return _fernet().encrypt(secret.encode()).decode() if secret else ""


def decrypt(stored: str) -> str:
    """Return the secret behind what `encrypt` returned; raises SecretLost under another key."""
    if not stored:
        return ""
    try:
        return _fernet().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise SecretLost(LOST) from error


def state_of(stored: str) -> str:
    """Return all that is ever told of a stored secret: "set", "not set", or that it is lost."""
    try:
        return "set" if decrypt(stored) else "not set"
    except SecretLost as error:
        return str(error)


def authorization(bearer_encrypted: str, basic_encrypted: str = "") -> str:
    """Return the Authorization header for what is stored, "" for nothing.

    `basic_encrypted` holds "user:password". Raises SecretLost, naming which of the two it is.
    """
    kinds = (
        ("bearer token", bearer_encrypted, lambda secret: f"Bearer {secret}"),
        ("user and password", basic_encrypted, _basic),
    )
    for kind, stored, header in kinds:
        if stored:
            try:
                return header(decrypt(stored))
            except SecretLost as error:
                raise SecretLost(f"its {kind} {error} in the server's settings") from error
    return ""


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
