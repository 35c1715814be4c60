"""Which addresses a server may have, in every way of writing them."""

import ipaddress

import pytest
from django.core.exceptions import ValidationError

from telemetry.address import normal_base_url
from telemetry.destinations import (
    BROADCAST,
    LINK_LOCAL,
    METADATA,
    MULTICAST,
    UNSPECIFIED,
    refusal_of_address,
    refusal_of_host,
)

REFUSED = {
    "169.254.169.254": METADATA,
    "169.254.170.2": METADATA,
    "100.100.100.200": METADATA,
    "168.63.129.16": METADATA,
    "fd00:ec2::254": METADATA,
    "fd20:ce::254": METADATA,
    "169.254.0.1": LINK_LOCAL,
    "fe80::1": LINK_LOCAL,
    "febf::1": LINK_LOCAL,
    "0.0.0.0": UNSPECIFIED,
    "0.1.2.3": UNSPECIFIED,
    "::": UNSPECIFIED,
    "224.0.0.1": MULTICAST,
    "239.255.255.250": MULTICAST,
    "ff02::1": MULTICAST,
    "255.255.255.255": BROADCAST,
    "::ffff:169.254.169.254": METADATA,
    "::ffff:0:169.254.169.254": METADATA,
    "::169.254.169.254": METADATA,
    "64:ff9b::169.254.169.254": METADATA,
    "64:ff9b:1::169.254.169.254": METADATA,
    "2002:a9fe:a9fe::1": METADATA,
    "2001:0:1234:5678::5601:5601": METADATA,
    "2001:0:a9fe:a9fe::1": METADATA,
    "fd12::5efe:169.254.169.254": METADATA,
    "2001:db8::200:5efe:169.254.169.254": METADATA,
    "::ffff:0.0.0.0": UNSPECIFIED,
}
ALLOWED = (
    "127.0.0.1",
    "127.0.0.2",
    "::1",
    "10.0.0.7",
    "172.16.3.4",
    "192.168.1.5",
    "100.64.0.1",
    "100.100.100.201",
    "169.253.255.255",
    "169.255.0.0",
    "fd00::1",
    "fc00::1",
    "203.0.113.9",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.7",
    "2002:0a00:0001::1",
)
METADATA_SPELLINGS = (
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "025177524776",
    "169.254.43518",
    "169.16689662",
    "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
    "169。254。169。254",
    "%31%36%39.254.169.254",
    "[::ffff:169.254.169.254]",
    "[::FFFF:A9FE:A9FE]",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1%25eth0]",
    "METADATA.google.internal",
    "metadata.google.internal.",
    "instance-data",
)


@pytest.mark.parametrize(("address", "kind"), REFUSED.items())
def test_it_refuses(address, kind):
    assert refusal_of_address(ipaddress.ip_address(address)) == kind


@pytest.mark.parametrize("address", ALLOWED)
def test_it_allows(address):
    assert refusal_of_address(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize("host", METADATA_SPELLINGS)
def test_it_refuses_to_enter(host):
    with pytest.raises(ValidationError, match="never connected to"):
        normal_base_url(f"http://{host}:8188")


@pytest.mark.parametrize("host", ["gpu-3", "0xdeadbeef.example", "metadata.example", "beef", "a.b"])
def test_it_takes_a_name_as_it_is(host):
    assert refusal_of_host(host) is None
    assert normal_base_url(host) == f"http://{host}"


@pytest.mark.parametrize(("host", "plain"), [("2130706433", "127.0.0.1"), ("010.0.0.1", "8.0.0.1")])
def test_it_asks_for_an_address_to_be_written_in_full(host, plain):
    with pytest.raises(ValidationError, match=f"Write {host} as {plain}"):
        normal_base_url(f"http://{host}:8188")


def test_it_refuses_what_the_settings_name(settings):
    settings.REFUSED_ADDRESSES = (ipaddress.ip_network("10.8.0.0/16"),)

    for address in ("10.8.1.2", "::ffff:10.8.1.2", "64:ff9b::10.8.1.2"):
        assert refusal_of_address(ipaddress.ip_address(address))
    assert refusal_of_address(ipaddress.ip_address("10.9.1.2")) is None
