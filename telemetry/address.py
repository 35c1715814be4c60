"""The address of a ComfyUI: a base URL, with or without a path, http or https."""

from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError

from telemetry.destinations import address_in, refusal_of_host

SOCKET_SCHEMES = {"http": "ws", "https": "wss"}


def validate_base_url(value: str) -> None:
    """Raise ValidationError, with what to write instead, unless value is a usable base URL."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValidationError(f"{value!r} is not a URL: {error}.") from error
    if parts.scheme not in SOCKET_SCHEMES or not host:
        raise ValidationError(
            f"{value!r} is not a ComfyUI address; write it like http://gpu-3:8188."
        )
    if parts.username or parts.password:
        raise ValidationError("Leave user name and password out of the address.")
    if parts.query or parts.fragment or any(c.isspace() for c in value):
        raise ValidationError("The address ends with its path: no spaces, no ? and no #.")
    _validate_host(host)


def _validate_host(host: str) -> None:
    """Refuse where no connection may go, and IP addresses that two readers may read differently."""
    kind = refusal_of_host(host)
    if kind is not None:
        raise ValidationError(
            f"{host} is {kind}, which is never connected to; enter the address of the ComfyUI."
        )
    address = address_in(host)
    if address is not None and address.version == 4 and str(address) != host:
        raise ValidationError(f"Write {host} as {address}.")


def normal_base_url(value: str) -> str:
    """Return a base URL without trailing slash; a bare host:port gets http://.

    Raises ValidationError where the result is no usable base URL.
    """
    value = value.strip()
    if "://" not in value:
        value = f"http://{value}"
    validate_base_url(value)
    parts = urlsplit(value)
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def socket_url(base_url: str) -> str:
    """Return the address of the WebSocket of the ComfyUI at base_url."""
    parts = urlsplit(base_url)
    return urlunsplit((SOCKET_SCHEMES[parts.scheme], parts.netloc, f"{parts.path}/ws", "", ""))
