"""Whether a ComfyUI runs on the host that this process runs on."""

import socket
from urllib.parse import urlsplit


def on_this_host(base_url: str) -> bool:
    """Say whether all addresses of the URL's host are this host's own; may block on name lookups.

    A tunnel looks just the same from here (a local port that leads elsewhere): so nothing is taken
    from this alone, the devices have to agree as well (telemetry/gpu_match.py).
    """
    host = urlsplit(base_url).hostname
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    return bool(found) and all(_is_own(family, address) for family, _, _, _, address in found)


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    """Say whether an address is one of this host's: no other can be bound."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address[0], 0, *address[2:]))
    except OSError:
        return False
    return True
