"""What the network policies of an overlay let through."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deployment.manifests import Manifest, of_kind, selects

NAMESPACE = "lipstage"


@dataclass(frozen=True)
class Peer:
    """A pod: its labels and its namespace."""

    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = NAMESPACE


def may_talk(overlay: str, source: Peer, target: Peer, port: int) -> bool:
    """Whether a connection passes at both of its ends. Namespaces of other people restrict nothing here."""
    leaves = source.namespace != NAMESPACE or _allowed(overlay, "egress", source, target, port)
    return leaves and (target.namespace != NAMESPACE or _allowed(overlay, "ingress", target, source, port))


def may_leave(overlay: str, source: Peer, address: str, port: int) -> bool:
    """Whether a connection to an address outside of the cluster passes."""
    return any(
        port in {entry["port"] for entry in rule["ports"]} and any(_covers(entry, address) for entry in rule["to"])
        for policy in _policies(overlay, "egress", source)
        for rule in policy["spec"].get("egress", [])
    )


def is_closed(overlay: str, direction: str, peer: Peer) -> bool:
    """Whether some policy selects the pod for this direction, so that what is not allowed is refused."""
    return any(True for _ in _policies(overlay, direction, peer))


def _allowed(overlay: str, direction: str, at: Peer, other: Peer, port: int) -> bool:
    policies = list(_policies(overlay, direction, at))
    side = "to" if direction == "egress" else "from"
    rules = (rule for policy in policies for rule in policy["spec"].get(direction, []))
    return not policies or any(
        port in {entry["port"] for entry in rule["ports"]} and any(_is(entry, other) for entry in rule[side])
        for rule in rules
    )


def _policies(overlay: str, direction: str, at: Peer) -> Iterator[Manifest]:
    for policy in of_kind(overlay, "NetworkPolicy"):
        spec = policy["spec"]
        if direction.capitalize() in spec["policyTypes"] and selects(spec["podSelector"], at.labels):
            yield policy


def _covers(entry: Manifest, address: str) -> bool:
    if "ipBlock" not in entry:
        return False
    there, block = ipaddress.ip_address(address), entry["ipBlock"]
    return there in ipaddress.ip_network(block["cidr"]) and not any(
        there in ipaddress.ip_network(hole) for hole in block.get("except", [])
    )


def _is(entry: Manifest, peer: Peer) -> bool:
    if "ipBlock" in entry:
        return False  # addresses outside of the cluster
    if "namespaceSelector" in entry:
        here = selects(entry["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace})
    else:
        here = peer.namespace == NAMESPACE
    return here and selects(entry.get("podSelector", {}), peer.labels)
