"""Who may talk to whom in the cluster."""

from collections.abc import Mapping

import pytest
from deployment.manifests import OVERLAYS, WORKLOADS, of_kind, pod_labels
from deployment.reachability import Peer, is_closed, may_talk

STRANGER = Peer({"app.kubernetes.io/name": "stranger"})
ELSEWHERE = Peer({"lipstage.dev/role": "worker"}, namespace="default")
KEDA, MONITORING = Peer(namespace="keda"), Peer(namespace="monitoring")
NATS, NATS_MONITOR, TRITON_HTTP, TRITON, TRITON_METRICS, HEALTH, S3 = 4222, 8222, 8000, 8001, 8002, 8080, 9000


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_no_policy_allows_is_refused_at_every_pod(overlay: str) -> None:
    for labels in _pods(overlay).values():
        assert is_closed(overlay, "ingress", Peer(labels))
        assert is_closed(overlay, "egress", Peer(labels))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_workers_the_gateway_and_nobody_else_reach_the_broker(overlay: str) -> None:
    pods = _pods(overlay)
    allowed = {name for name, labels in pods.items() if may_talk(overlay, Peer(labels), Peer(pods["nats"]), NATS)}

    roles = {name: labels.get("lipstage.dev/role") for name, labels in pods.items()}
    assert allowed == {name for name, role in roles.items() if role in ("worker", "gateway")}
    assert len(allowed) >= 5
    for outsider in (STRANGER, ELSEWHERE, KEDA, MONITORING):
        assert not may_talk(overlay, outsider, Peer(pods["nats"]), NATS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_those_who_hear_or_describe_voices_reach_their_triton(overlay: str) -> None:
    pods = _pods(overlay)
    triton = Peer(pods["triton-audio"])

    assert {name for name, labels in pods.items() if may_talk(overlay, Peer(labels), triton, TRITON)} == {
        "preprocess",
        "composite",
        "gateway",
    }
    for outsider in (STRANGER, ELSEWHERE, KEDA, MONITORING):
        assert not may_talk(overlay, outsider, triton, TRITON)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_outside_of_its_pod_calls_a_denoise_workers_triton(overlay: str) -> None:
    pods = _pods(overlay)
    denoise = [Peer(labels) for name, labels in pods.items() if name.startswith("denoise")]
    others = [*map(Peer, pods.values()), STRANGER, ELSEWHERE, KEDA, MONITORING]

    assert denoise
    assert not [
        1
        for target in denoise
        for other in others
        for p in (TRITON_HTTP, TRITON)
        if may_talk(overlay, other, target, p)
    ]


def test_workers_the_gateway_and_nobody_else_reach_the_local_object_store() -> None:
    pods = _pods("local")
    minio = Peer(pods["minio"])

    allowed = {name for name, labels in pods.items() if may_talk("local", Peer(labels), minio, S3)}

    assert allowed == {"bootstrap", "preprocess", "denoise-1", "composite", "reconciler", "gateway"}
    assert not may_talk("local", ELSEWHERE, minio, S3)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_scaler_reads_lags_and_monitoring_reads_metrics(overlay: str) -> None:
    pods = _pods(overlay)

    assert may_talk(overlay, KEDA, Peer(pods["nats"]), NATS_MONITOR)
    assert not may_talk(overlay, MONITORING, Peer(pods["nats"]), NATS_MONITOR)
    assert may_talk(overlay, MONITORING, Peer(pods["preprocess"]), HEALTH)
    assert may_talk(overlay, MONITORING, Peer(pods["triton-audio"]), TRITON_METRICS)
    assert may_talk(overlay, MONITORING, Peer(pods["gateway"]), HEALTH)
    assert not may_talk(overlay, STRANGER, Peer(pods["preprocess"]), HEALTH)


def _pods(overlay: str) -> Mapping[str, Mapping[str, str]]:
    return {workload["metadata"]["name"]: pod_labels(workload) for workload in of_kind(overlay, *WORKLOADS)}
