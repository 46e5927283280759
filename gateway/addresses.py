"""Which addresses the gateway may connect to on a caller's word: the public internet and what the operator allows."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NOT_PUBLIC_V4: Final = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
"""IANA's IPv4 special-purpose address registry, with multicast."""

_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
"""The only global unicast space there is: private, link-local, site-local, multicast and mapped lie outside."""

_NOT_PUBLIC_V6: Final = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
"""What IANA's IPv6 special-purpose address registry takes out of it."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

_PRIVATE: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
"""Where an operator's own servers may be."""

_CREDENTIALS: Final = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "100.100.100.200",
        "168.63.129.16",  # a public address, answered inside the cloud that owns it
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "192.0.0.192",
        "fd00:ec2::23",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Where clouds hand their machines credentials and metadata."""


@dataclass(frozen=True)
class UrlPolicy:
    """What an operator allows beyond http and https to public addresses on their own ports."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Names in lower case that may lead to private and loopback addresses, never to link-local or metadata ones."""
    ports: frozenset[int] = frozenset()
    """Besides 80 and 443."""
    ca_file: Path | None = None
    """Certificates (PEM) of authorities that are trusted besides the system's."""

    def allows(self, host: str, address: Address) -> bool:
        """Whether a connection meant for `host` may go to `address`."""
        if any(address in network for network in self.networks):
            return True
        return is_public(address) or (host in self.hosts and _is_private(address))


def is_public(address: Address) -> bool:
    """Whether `address` is one host on the public internet; one that embeds an IPv4 address is judged by that."""
    if address in _CREDENTIALS:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    if (embedded := _embedded(address)) is not None:
        return is_public(embedded)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped or a translated (NAT64) address stands for; the older ways are not public."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _is_private(address: Address) -> bool:
    return address not in _CREDENTIALS and any(address in network for network in _PRIVATE)
