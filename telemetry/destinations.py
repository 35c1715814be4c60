"""Addresses that no connection may go to: cloud metadata, link-local, multicast and the like.

Loopback and private addresses are where ComfyUI lives, so they are allowed. What is refused is
refused in every spelling: an IPv6 address that carries an IPv4 one is judged by both.
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = "a cloud's metadata address"
LINK_LOCAL = "a link-local address"
MULTICAST = "a multicast address"
UNSPECIFIED = "an unspecified address"
BROADCAST = "a broadcast address"

# The first that fits names the reason.
REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", METADATA),  # AWS, Google, Azure, most others
        ("169.254.170.0/24", METADATA),  # AWS: credentials of containers
        ("100.100.100.200/32", METADATA),  # Alibaba
        ("168.63.129.16/32", METADATA),  # Azure
        ("192.0.0.192/32", METADATA),  # Oracle
        ("fd00:ec2::/32", METADATA),  # AWS
        ("fd20:ce::254/128", METADATA),  # Google
        ("fd00:42::42/128", METADATA),  # Scaleway
        ("169.254.0.0/16", LINK_LOCAL),
        ("fe80::/10", LINK_LOCAL),
        ("0.0.0.0/8", UNSPECIFIED),
        ("::/128", UNSPECIFIED),
        ("224.0.0.0/4", MULTICAST),
        ("ff00::/8", MULTICAST),
        ("255.255.255.255/32", BROADCAST),
    )
)
METADATA_NAMES = frozenset(
    {
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "metadata.platformequinix.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)


def _low(number: int) -> int:
    return number & 0xFFFFFFFF


# Where an IPv6 address carries an IPv4 one.
CARRIERS: tuple[tuple[ipaddress.IPv6Network, Callable[[int], int]], ...] = tuple(
    (ipaddress.IPv6Network(network), carried)
    for network, carried in (
        ("::ffff:0:0/96", _low),  # IPv4-mapped
        ("::ffff:0:0:0/96", _low),  # IPv4-translated
        ("::/96", _low),  # IPv4-compatible
        ("64:ff9b::/96", _low),  # NAT64
        ("64:ff9b:1::/48", _low),  # NAT64 of a local network
        ("2002::/16", lambda number: _low(number >> 80)),  # 6to4
        ("2001::/32", lambda number: _low(~number)),  # Teredo, its client
        ("2001::/32", lambda number: _low(number >> 64)),  # Teredo, its server
    )
)
# In any network; the word before the IPv4 address, without the bit that says "worldwide".
ISATAP = 0x00005EFE


def refusal_of_address(address: Address) -> str | None:
    """Return what kind of refused address this is, None where a connection may go to it."""
    for form in (address, *_carried(address)):
        for network, kind in (*REFUSED, *_refused_here()):
            if form.version == network.version and form in network:
                return kind
    return None


def refusal_of_host(host: str) -> str | None:
    """Return why the host of an address is refused as it is spelled, None where it is not.

    A name is judged by itself alone, without asking what it stands for: that is judged at each
    connection (telemetry/connecting.py).
    """
    plain = _plain(host)
    if plain in METADATA_NAMES:
        return "the name of a cloud's metadata service"
    address = address_in(plain)
    return refusal_of_address(address) if address is not None else None


def address_in(host: str) -> Address | None:
    """Return the address that a host spells, in whatever way the system would read it.

    Decimal, octal and hexadecimal IPv4 addresses of one to four parts count; None is for names.
    """
    plain = _plain(host)
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        pass
    if not re.fullmatch(r"[0-9a-fx.]+", plain):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(plain))
    except OSError:
        return None


def _plain(host: str) -> str:
    """Return a host without the spellings that come to the same."""
    text = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".")
    return text.partition("%")[0].lower().rstrip(".")


def _carried(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address carries; those of :: and ::1 are none."""
    number = int(address)
    if address.version == 4 or number <= 1:
        return
    for network, carried in CARRIERS:
        if address in network:
            yield ipaddress.IPv4Address(carried(number))
    if (number >> 32) & 0xFDFFFFFF == ISATAP:
        yield ipaddress.IPv4Address(_low(number))


def _refused_here() -> Iterator[tuple[Network, str]]:
    for network in settings.REFUSED_ADDRESSES:
        yield network, "an address that this site's settings refuse"
