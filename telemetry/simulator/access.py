"""Who may ask: ComfyUI's check of foreign pages, and what a proxy in front of it would want."""

import ipaddress
import ssl
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web


def authorization(token: str | None, basic: tuple[str, str] | None) -> str | None:
    """Return the Authorization header to ask for, or None; `basic` is (user, password).

    ValueError if both are given, for a request has one such header, or if no header can say it.
    """
    if token is not None and basic is not None:
        raise ValueError("a token and a user exclude each other: both are the Authorization header")
    if basic is None:
        return None if token is None else f"Bearer {token}"
    user, password = basic
    if ":" in user:
        raise ValueError(f"the user {user!r} must not contain a colon")
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a TLS server needs; ValueError if the files are not a pair."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"cannot use certificate {certificate} with key {key}: {reason}") from None
    return context


def refusal_of(request: web.Request, wanted: str | None) -> web.Response | None:
    """Return the 401 or 403 a request gets, or None if it may pass."""
    if wanted is not None and request.headers.get("Authorization") != wanted:
        challenge = {"WWW-Authenticate": f'{wanted.split()[0]} realm="ComfyUI"'}
        return web.json_response({"error": "unauthorized"}, status=401, headers=challenge)
    return web.Response(status=403) if _is_foreign(request) else None


def _is_foreign(request: web.Request) -> bool:
    """Check Origin against a loopback Host, and Sec-Fetch-Site, as ComfyUI's middleware does."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return True
    host = urlsplit("//" + request.headers.get("Host", "").lower())
    origin = urlsplit(request.headers.get("Origin", "").lower())
    if not origin.netloc or not _is_loopback(host.hostname or ""):
        return False
    return origin.netloc != (host.hostname if origin.port is None else host.netloc)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
