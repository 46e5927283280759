"""What every pod keeps to: few rights, known images, stated resources, time to end."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from deployment.manifests import (
    OVERLAYS,
    ROOT,
    WORKLOADS,
    Manifest,
    containers,
    named,
    of_kind,
    pod,
    pod_labels,
    selects,
    variables,
)

HAND_BACK_S = 30.0
"""Room after the drain: a worker cancels what it still has, closes its connections and ends."""
MEMORY_LIMIT = "1Gi"
WORKERS = {
    "local": {"preprocess", "composite", "reconciler", "denoise-1"},
    "production": {"preprocess", "composite", "reconciler", "denoise-15", "denoise-16"},
}


EVERY_WORKLOAD = pytest.mark.parametrize(
    ("overlay", "workload"),
    [
        pytest.param(overlay, workload, id=f"{overlay}-{workload['metadata']['name']}")
        for overlay in OVERLAYS
        for workload in of_kind(overlay, *WORKLOADS)
    ],
)


@EVERY_WORKLOAD
def test_no_pod_has_rights_it_does_not_need(overlay: str, workload: Manifest) -> None:
    spec = pod(workload)

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume]
    for container in containers(workload):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"], container["name"]
        assert rights["allowPrivilegeEscalation"] is False, container["name"]
        assert rights["capabilities"] == {"drop": ["ALL"]}, container["name"]


@EVERY_WORKLOAD
def test_every_container_states_its_resources(overlay: str, workload: Manifest) -> None:
    for container in containers(workload):
        for side in ("requests", "limits"):
            assert {"cpu", "memory"} <= container["resources"][side].keys(), container["name"]
    for volume in pod(workload).get("volumes", []):
        assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), volume["name"]


@EVERY_WORKLOAD
def test_every_image_has_a_version(overlay: str, workload: Manifest) -> None:
    for container in containers(workload):
        _, _, tag = container["image"].rpartition(":")
        assert re.search(r"\d", tag), container["image"]
        assert "latest" not in tag


@EVERY_WORKLOAD
def test_every_pod_that_stays_can_be_probed(overlay: str, workload: Manifest) -> None:
    if workload["kind"] == "Job":
        return
    for container in containers(workload):
        stays = container in pod(workload)["containers"] or container.get("restartPolicy") == "Always"
        if stays and container["name"] != "exporter":
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), container["name"]


@EVERY_WORKLOAD
def test_every_pod_that_stays_has_a_disruption_budget(overlay: str, workload: Manifest) -> None:
    if workload["kind"] == "Job":
        return
    budgets = [
        budget
        for budget in of_kind(overlay, "PodDisruptionBudget")
        if selects(budget["spec"]["selector"], pod_labels(workload))
    ]

    assert len(budgets) == 1
    assert budgets[0]["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_worker_that_is_told_to_stop_gets_the_time_to_drain(overlay: str) -> None:
    seen = set()
    for workload in of_kind(overlay, "Deployment"):
        if pod_labels(workload).get("lipstage.dev/role") != "worker":
            continue
        for container in pod(workload)["containers"]:
            drain_s = variables(overlay, container).get("LIPSTAGE_DRAIN_S")
            if drain_s:
                assert pod(workload)["terminationGracePeriodSeconds"] >= float(drain_s) + HAND_BACK_S
                seen.add(workload["metadata"]["name"])

    assert seen == WORKERS[overlay]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("worker", ["preprocess", "composite"])
def test_workers_stay_within_a_gibibyte(overlay: str, worker: str) -> None:
    (container,) = pod(named(overlay, "Deployment", worker))["containers"]

    assert container["resources"]["limits"]["memory"] == MEMORY_LIMIT


@pytest.mark.parametrize(("overlay", "variant"), [("local", "1"), ("production", "15"), ("production", "16")])
def test_triton_is_up_before_the_denoise_worker_and_outlives_it(overlay: str, variant: str) -> None:
    deployment = named(overlay, "Deployment", f"denoise-{variant}")
    before = pod(deployment)["initContainers"]

    assert [container["name"] for container in before] == ["repository", "triton"]
    assert "restartPolicy" not in before[0]
    assert before[1]["restartPolicy"] == "Always"
    assert pod_labels(deployment)["lipstage.dev/variant"] == variant


def test_a_denoise_pods_model_repository_holds_its_own_variant_only(tmp_path: Path) -> None:
    weights, models = tmp_path / "weights", tmp_path / "models"
    for version in ("configs", "15", "16"):
        (weights / "unet" / version).mkdir(parents=True)
    (weights / "unet" / "config.pbtxt").touch()
    models.mkdir()
    repository, *_ = containers(named("production", "Deployment", "denoise-16"))
    (script,) = repository["args"]
    script = script.replace("/weights", str(weights)).replace("/models", str(models))

    subprocess.run([*repository["command"], script], check=True, env=os.environ | {"LIPSTAGE_VARIANT": "16"})

    assert sorted(path.name for path in (models / "unet").iterdir()) == ["16", "config.pbtxt", "configs"]


@pytest.mark.parametrize("variant", ["15", "16"])
def test_a_denoise_pod_has_one_gpu_on_a_gpu_node(variant: str) -> None:
    deployment = named("production", "Deployment", f"denoise-{variant}")
    gpus = [container["resources"]["limits"].get("nvidia.com/gpu", 0) for container in containers(deployment)]

    assert gpus == [0, 1, 0]
    assert [toleration["key"] for toleration in pod(deployment)["tolerations"]] == ["nvidia.com/gpu"]
    required = pod(deployment)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    keys = [expression["key"] for expression in required["nodeSelectorTerms"][0]["matchExpressions"]]
    assert keys == ["nvidia.com/gpu.present", "nvidia.com/gpu.memory"]


def test_a_variant_on_processors_asks_for_no_gpu() -> None:
    assert "gpu" not in str(named("local", "Deployment", "denoise-1"))


@pytest.mark.parametrize(("overlay", "variant"), [("local", "1"), ("production", "15"), ("production", "16")])
def test_triton_and_its_worker_share_memory_and_the_user_who_may_open_it(overlay: str, variant: str) -> None:
    deployment = named(overlay, "Deployment", f"denoise-{variant}")
    _, triton, worker = containers(deployment)
    mounts = [{m["mountPath"]: m["name"] for m in container["volumeMounts"]} for container in (triton, worker)]

    assert mounts[0]["/dev/shm"] == mounts[1]["/dev/shm"] == "shared-memory"
    assert "runAsUser" not in triton["securityContext"].keys() | worker["securityContext"].keys()
    assert "--allow-client-shm=true" in triton["args"]
    assert "--grpc-address=127.0.0.1" in triton["args"]
    assert variables(overlay, worker)["LIPSTAGE_TRITON_SHARED_MEMORY"] == "true"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_namespace_refuses_pods_with_more_rights(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_manifest_holds_a_secret(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    for workload in of_kind(overlay, *WORKLOADS):
        for container in containers(workload):
            secrets = ("PASSWORD", "SECRET_KEY", "LINK_SECRET")
            named_secret = [name for name in variables(overlay, container) if name.endswith(secrets)]
            assert set(named_secret) <= {"QUOTED_PASSWORD"}, container["name"]


def test_every_secret_that_a_pod_reads_is_made_in_production() -> None:
    made = {secret["spec"]["target"]["name"] for secret in of_kind("production", "ExternalSecret")}
    read = set()
    for workload in of_kind("production", *WORKLOADS):
        read |= {volume["secret"]["secretName"] for volume in pod(workload).get("volumes", []) if "secret" in volume}
        for container in containers(workload):
            sources = [source.get("secretRef", {}) for source in container.get("envFrom", [])]
            sources += [entry.get("valueFrom", {}).get("secretKeyRef", {}) for entry in container.get("env", [])]
            read |= {source["name"] for source in sources if source}

    assert read == made


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_composite_pods_sign_with_the_key_of_this_installation(overlay: str) -> None:
    deployment = named(overlay, "Deployment", "composite")
    (container,) = containers(deployment)
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "signing")
    given = variables(overlay, container)

    assert {given["LIPSTAGE_SIGNING_KEY"], given["LIPSTAGE_SIGNING_CHAIN"]} == {
        f"{mount['mountPath']}/{file}" for file in ("key.pem", "chain.pem")
    }
    assert mount["readOnly"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_streams_get_as_many_copies_as_there_are_brokers(overlay: str) -> None:
    (bootstrap,) = containers(named(overlay, "Job", "bootstrap"))

    assert bootstrap["args"] == [
        "services.bootstrap",
        f"--replicas={named(overlay, 'StatefulSet', 'nats')['spec']['replicas']}",
    ]


def test_three_brokers_stand_on_three_machines() -> None:
    nats = named("production", "StatefulSet", "nats")
    (apart,) = pod(nats)["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]

    assert nats["spec"]["replicas"] == 3
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    assert selects(apart["labelSelector"], pod_labels(nats))


def test_triton_is_the_same_release_everywhere() -> None:
    found = set()
    for file in [ROOT / "docker-compose.yml", ROOT / "docker" / "Dockerfile", *(ROOT / "k8s").rglob("*.yaml")]:
        found |= set(re.findall(r"nvcr\.io/nvidia/tritonserver:(\S+)", file.read_text()))

    assert found == {"26.09-py3"}
