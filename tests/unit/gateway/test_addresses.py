"""Which addresses may be connected to."""

from ipaddress import ip_address, ip_network

import pytest

from gateway.addresses import UrlPolicy, is_public


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.215.14",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "2a00:1450:4001:80b::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_hosts_of_the_public_internet_are_allowed(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",  # IPv4-compatible
        "::808:808",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",  # Teredo
        "2001:0:a00:1::808:808",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",  # 6to4
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(ip_address(address))


def test_an_allowed_network_is_allowed_under_any_name() -> None:
    policy = UrlPolicy(networks=(ip_network("10.1.0.0/16"), ip_network("fd12::/16")))

    assert policy.allows("any.example", ip_address("10.1.2.3"))
    assert policy.allows("any.example", ip_address("fd12::7"))
    assert not policy.allows("any.example", ip_address("10.2.0.1"))


@pytest.mark.parametrize("address", ["10.9.8.7", "192.168.0.9", "100.64.3.2", "127.0.0.1", "::1", "fd77::1", "8.8.8.8"])
def test_an_allowed_host_may_be_private(address: str) -> None:
    policy = UrlPolicy(hosts=frozenset({"store.internal"}))

    assert policy.allows("store.internal", ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "::ffff:10.0.0.1"],
)
def test_an_allowed_host_never_leads_to_credentials_or_to_more_than_a_host(address: str) -> None:
    policy = UrlPolicy(hosts=frozenset({"store.internal"}))

    assert not policy.allows("store.internal", ip_address(address))


def test_an_allowed_host_opens_nothing_to_others() -> None:
    policy = UrlPolicy(hosts=frozenset({"store.internal"}))

    assert not policy.allows("evil.store.internal", ip_address("10.9.8.7"))
