"""Which addresses are this host's own."""

import pytest

from telemetry.this_host import on_this_host


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8188", "http://localhost:8188/comfy", "http://127.3.2.1:1"]
)
def test_it_knows_the_loopback(url):
    assert on_this_host(url)


@pytest.mark.parametrize("url", ["http://192.0.2.1:8188", "http://[2001:db8::1]:8188"])
def test_it_knows_other_hosts_as_others(url):
    assert not on_this_host(url)


def test_it_takes_a_name_that_leads_nowhere_as_another_host():
    assert not on_this_host("http://no-such-host.invalid:8188")
