"""Open connections, and only to where one may go: the last word on every address is here.

The address is looked at where its socket is made, so that what is judged is what is connected to:
no second look-up comes in between, whatever a name stood for a moment ago.
"""

import ipaddress
import socket
import ssl
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from telemetry.destinations import refusal_of_address, refusal_of_host


class RefusedAddress(OSError):
    """A connection would have gone where none may go. The text is for people."""


def open_socket(info: Any) -> socket.socket:
    """Return a socket for what getaddrinfo returned; raises RefusedAddress before it is made."""
    family, kind, protocol, _, place = info
    refuse_address(str(place[0]))
    return socket.socket(family, kind, protocol)


def refuse_address(text: str) -> None:
    """Raise RefusedAddress unless text is a plain IP address that a connection may go to.

    Anything but a plain one would be looked up again, by somebody else.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise RefusedAddress(f"{text} is no plain IP address: write it in full") from None
    kind = refusal_of_address(address)
    if kind is not None:
        raise RefusedAddress(f"it leads to {address}, {kind}, which is never connected to")


class Resolver(AbstractResolver):
    """Names as the system knows them, without the names of metadata services."""

    def __init__(self) -> None:
        self._system = aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of host; raises RefusedAddress where its name says enough."""
        kind = refusal_of_host(host)
        if kind is not None:
            raise RefusedAddress(f"its address is {kind}, which is never connected to")
        return await self._system.resolve(host, port, family)

    async def close(self) -> None:
        """End what is being looked up."""
        await self._system.close()


def connector(tls: ssl.SSLContext | bool = True) -> aiohttp.TCPConnector:
    """Return a connector that goes nowhere else, and trusts as `tls` says (True: the system)."""
    return aiohttp.TCPConnector(ssl=tls, resolver=Resolver(), socket_factory=open_socket)
