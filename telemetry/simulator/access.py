"""Who may ask: ComfyUI's check of foreign pages, and the token a proxy would want."""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web


def refusal_of(request: web.Request, token: str | None) -> web.Response | None:
    """Return the 401 or 403 a request gets, or None if it may pass."""
    if token is not None and request.headers.get("Authorization") != f"Bearer {token}":
        return web.json_response({"error": "unauthorized"}, status=401)
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
