"""Secrets of servers at rest: Fernet under a key that is derived from the site's secret key."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


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
        raise SecretLost("The site's key has changed: enter the server's token again.") from error


def authorization(bearer_encrypted: str) -> str:
    """Return the Authorization header for what is stored, "" for none; raises SecretLost."""
    return f"Bearer {decrypt(bearer_encrypted)}" if bearer_encrypted else ""
