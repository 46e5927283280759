"""The gateway's pods: what they are told, who reaches them, where they may go, and how they leave."""

import ipaddress
import random
import re

import pytest
from deployment.gateway_settings import settings_from
from deployment.manifests import OVERLAYS, ROOT, Manifest, containers, named, of_kind, pod, pod_labels, variables
from deployment.reachability import Peer, may_leave, may_talk

from gateway.addresses import is_public
from services.common.http_server import FINISH_S

INGRESS = {"local": "kube-system", "production": "traefik"}
"""The namespace of the ingress controller."""
HTTP, GRPC, HEALTH, SSH = 8000, 9000, 8080, 22
SECRET = "0123456789abcdef0123456789abcdef"
VARIANTS = {"local": ("1",), "production": ("15", "16")}

EVERY_OVERLAY = pytest.mark.parametrize("overlay", OVERLAYS)


@EVERY_OVERLAY
def test_it_starts_with_what_it_is_given(overlay: str) -> None:
    given = variables(overlay, _container(overlay)) | {"LIPSTAGE_LINK_SECRET": SECRET}

    settings = settings_from(given)

    assert (settings.environment, settings.variants) == ("production", VARIANTS[overlay])
    (host, *_) = _hosts(overlay)
    assert settings.base_url == f"https://{host}"


@EVERY_OVERLAY
def test_secrets_come_from_secrets(overlay: str) -> None:
    given = [source["secretRef"]["name"] for source in _container(overlay)["envFrom"] if "secretRef" in source]

    assert given == ["lipstage-nats", "lipstage-s3", "lipstage-gateway"]


@EVERY_OVERLAY
def test_it_knows_by_what_outputs_are_signed_but_not_the_key(overlay: str) -> None:
    container = _container(overlay)
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "signing")
    (volume,) = (volume for volume in pod(named(overlay, "Deployment", "gateway"))["volumes"] if "secret" in volume)

    assert [item["path"] for item in volume["secret"]["items"]] == ["chain.pem"]
    assert variables(overlay, container)["LIPSTAGE_SIGNING_CHAIN"] == f"{mount['mountPath']}/chain.pem"


@EVERY_OVERLAY
def test_only_the_ingress_controller_reaches_it_from_outside(overlay: str) -> None:
    target = Peer(pod_labels(named(overlay, "Deployment", "gateway")))
    controller = Peer({"app.kubernetes.io/name": "traefik"}, INGRESS[overlay])
    others = [Peer(pod_labels(workload)) for workload in of_kind(overlay, "Deployment", "StatefulSet", "Job")]
    others += [Peer(controller.labels, "default"), Peer(namespace=INGRESS[overlay]), Peer(namespace="monitoring")]

    assert may_talk(overlay, controller, target, HTTP)
    assert may_talk(overlay, controller, target, GRPC)
    assert not may_talk(overlay, controller, target, HEALTH)
    assert not [other for other in others for port in (HTTP, GRPC) if may_talk(overlay, other, target, port)]


@EVERY_OVERLAY
def test_only_the_gateway_is_reached_from_outside(overlay: str) -> None:
    backends = [
        path["backend"]["service"]["name"]
        for ingress in of_kind(overlay, "Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]

    assert backends == ["gateway", "gateway-grpc"]
    for name in backends:
        assert named(overlay, "Service", name)["spec"]["selector"] == {"app.kubernetes.io/name": "gateway"}
    assert {service["spec"].get("type", "ClusterIP") for service in of_kind(overlay, "Service")} == {"ClusterIP"}


@EVERY_OVERLAY
def test_everything_outside_speaks_tls(overlay: str) -> None:
    (ingress,) = of_kind(overlay, "Ingress")
    ((tls, *more),) = (ingress["spec"]["tls"],)

    assert (tls["secretName"], tls["hosts"], more) == ("gateway-tls", _hosts(overlay), [])
    assert ingress["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.entrypoints"] == "websecure"
    assert ingress["spec"]["ingressClassName"] == "traefik"


@EVERY_OVERLAY
def test_it_reaches_the_public_internet_and_nothing_that_its_own_rules_refuse(overlay: str) -> None:
    source = Peer(pod_labels(named(overlay, "Deployment", "gateway")))

    for address in _addresses():
        for port in (80, 443):
            assert may_leave(overlay, source, address, port) is is_public(ipaddress.ip_address(address)), address
    assert not may_leave(overlay, source, "93.184.215.14", SSH)


@EVERY_OVERLAY
def test_nobody_else_reaches_the_web(overlay: str) -> None:
    for workload in of_kind(overlay, "Deployment", "StatefulSet", "Job"):
        if workload["metadata"]["name"] != "gateway":
            assert not may_leave(overlay, Peer(pod_labels(workload)), "93.184.215.14", 80)


@EVERY_OVERLAY
def test_it_leaves_only_when_balancers_know_and_answers_are_finished(overlay: str) -> None:
    deployment = named(overlay, "Deployment", "gateway")
    (wait,) = pod(deployment)["containers"][0]["lifecycle"]["preStop"].values()
    program, seconds = wait["command"]

    assert program == "sleep"
    assert pod(deployment)["terminationGracePeriodSeconds"] >= int(seconds) + 2 * FINISH_S
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_two_at_least_stand_apart_and_more_come_with_the_load() -> None:
    deployment, scaler = (named("production", kind, "gateway") for kind in ("Deployment", "HorizontalPodAutoscaler"))

    assert "replicas" not in deployment["spec"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == "gateway"
    assert scaler["spec"]["minReplicas"] == 2 < scaler["spec"]["maxReplicas"]
    keys = [constraint["topologyKey"] for constraint in pod(deployment)["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]


@EVERY_OVERLAY
def test_the_image_listens_where_the_manifests_look(overlay: str) -> None:
    (stage,) = re.findall(r"^FROM runtime AS gateway\n(.*?)^ENTRYPOINT", _dockerfile(), re.MULTILINE | re.DOTALL)
    ports = {port["name"]: port["containerPort"] for port in _container(overlay)["ports"]}

    assert ports == {"http": HTTP, "grpc": GRPC, "health": HEALTH}
    assert dict(re.findall(r"LIPSTAGE_(\w+)=(\S+)", stage)) == {
        "HOST": "0.0.0.0",
        "PORT": f"{HTTP}",
        "GRPC_PORT": f"{GRPC}",
    }


def _container(overlay: str) -> Manifest:
    (container,) = containers(named(overlay, "Deployment", "gateway"))
    return container


def _hosts(overlay: str) -> list[str]:
    (ingress,) = of_kind(overlay, "Ingress")
    return [rule["host"] for rule in ingress["spec"]["rules"]]


def _dockerfile() -> str:
    return (ROOT / "docker" / "Dockerfile").read_text()


def _addresses() -> list[str]:
    """The first and last of every block that is left out, their neighbours, and any others."""
    chance = random.Random(1)
    blocks = named("production", "NetworkPolicy", "gateway-internet")["spec"]["egress"][0]["to"]
    edges = []
    for hole in (ipaddress.ip_network(hole) for block in blocks for hole in block["ipBlock"]["except"]):
        edges += [hole.network_address, hole.broadcast_address]
        edges += [edge + step for edge, step in zip(edges[-2:], (-1, 1), strict=True) if 0 < int(edge) < 2**32 - 1]
    anywhere = [ipaddress.IPv4Address(chance.getrandbits(32)) for _ in range(200)]
    anywhere_v6 = [ipaddress.IPv6Address(chance.getrandbits(128)) for _ in range(200)]
    documented = ["::1", "fc00::1", "fd00:ec2::254", "fe80::1", "2001:4860:4860::8888", "2606:4700::1111"]
    return [str(address) for address in (*edges, *anywhere, *anywhere_v6, *documented)]
