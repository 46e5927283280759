"""The scaler asks for the consumers that the code makes, and for all of them."""

import tomllib
from typing import get_args

import pytest
from deployment.manifests import OVERLAYS, ROOT, Manifest, named, of_kind

from services.common.jetstream_names import WORK, consumer
from services.common.jetstream_setup import QUEUES
from services.common.lanes import LANES
from services.common.messages import DubParameters, denoise_queue

VARIANTS = get_args(DubParameters.model_fields["variant"].annotation)
SERVED = {
    "local": {"preprocess", "composite", denoise_queue("1")},
    "production": {"preprocess", "composite", denoise_queue("15"), denoise_queue("16")},
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_pool_is_scaled_by_all_lanes_of_its_own_queue(overlay: str) -> None:
    asked = {scaled["metadata"]["name"]: _triggers(scaled) for scaled in of_kind(overlay, "ScaledObject")}

    assert asked == {queue: {f"lane{n}": (WORK, consumer(queue, n)) for n in range(LANES)} for queue in SERVED[overlay]}
    assert SERVED[overlay] <= set(QUEUES)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_compared_with_the_target_is_the_sum_over_the_lanes(overlay: str) -> None:
    for scaled in of_kind(overlay, "ScaledObject"):
        formula = scaled["spec"]["advanced"]["scalingModifiers"]["formula"]
        assert formula.split(" + ") == [f"lane{lane}" for lane in range(LANES)]


def test_production_and_local_serve_every_variant_between_them() -> None:
    served = {queue for queues in SERVED.values() for queue in queues}

    assert {denoise_queue(variant) for variant in VARIANTS} <= served


@pytest.mark.parametrize(
    ("pool", "queue"), [("preprocess", "preprocess"), ("composite", "composite"), ("denoise", denoise_queue("15"))]
)
def test_targets_are_those_that_the_capacity_model_is_run_with(pool: str, queue: str) -> None:
    plan = tomllib.loads((ROOT / "bench" / "capacity.toml").read_text())["pools"][pool]

    modifiers = named("production", "ScaledObject", queue)["spec"]["advanced"]["scalingModifiers"]

    assert int(modifiers["target"]) == plan["tasks_per_worker"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pools_scale_to_nothing_and_an_apply_does_not_reset_them(overlay: str) -> None:
    for scaled in of_kind(overlay, "ScaledObject"):
        deployment = named(overlay, "Deployment", scaled["spec"]["scaleTargetRef"]["name"])

        assert scaled["spec"]["minReplicaCount"] == 0
        assert "replicas" not in deployment["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_bootstrap_can_be_applied_before_everything_that_needs_it(overlay: str) -> None:
    waiting = {"ScaledObject": set(), "Deployment": set()}
    for manifest in of_kind(overlay, *waiting):
        if manifest["metadata"]["labels"].get("lipstage.dev/after") == "bootstrap":
            waiting[manifest["kind"]].add(manifest["metadata"]["name"])

    assert waiting["ScaledObject"] == SERVED[overlay]
    assert waiting["Deployment"] == SERVED[overlay] | {"reconciler", "gateway"}
    job = named(overlay, "Job", "bootstrap")
    assert "lipstage.dev/after" not in job["metadata"]["labels"]
    assert job["spec"]["ttlSecondsAfterFinished"] <= 3600


def test_the_scaler_finds_each_server_by_its_name() -> None:
    """It asks <server name>.<endpoint> for the leader of a consumer, who alone knows the lag."""
    endpoints = {
        trigger["metadata"]["natsServerMonitoringEndpoint"]
        for scaled in of_kind("production", "ScaledObject")
        for trigger in scaled["spec"]["triggers"]
    }
    headless = named("production", "Service", "nats-headless")
    nats = named("production", "StatefulSet", "nats")

    assert endpoints == {"nats-headless.lipstage.svc.cluster.local:8222"}
    assert headless["spec"]["clusterIP"] == "None"
    assert 8222 in {port["port"] for port in headless["spec"]["ports"]}
    assert nats["spec"]["serviceName"] == "nats-headless"
    assert headless["metadata"]["namespace"] == "lipstage"


def _triggers(scaled: Manifest) -> dict[str, tuple[str, str]]:
    return {
        trigger["name"]: (trigger["metadata"]["stream"], trigger["metadata"]["consumer"])
        for trigger in scaled["spec"]["triggers"]
    }
