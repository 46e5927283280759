"""The Kubernetes manifests as `kubectl` renders them, and what tests look up in them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ("local", "production")
WORKLOADS = ("Deployment", "StatefulSet", "Job")

Manifest = Mapping[str, Any]


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Every manifest of an overlay. Raises CalledProcessError when it cannot be rendered."""
    kubectl = Path(sys.executable).with_name("kubectl")
    folder = ROOT / "k8s" / "overlays" / overlay
    text = subprocess.run([kubectl, "kustomize", folder], check=True, stdout=subprocess.PIPE).stdout
    return tuple(yaml.safe_load_all(text))


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    return [manifest for manifest in rendered(overlay) if manifest["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Manifest:
    (found,) = (manifest for manifest in of_kind(overlay, kind) if manifest["metadata"]["name"] == name)
    return found


def pod(workload: Manifest) -> Manifest:
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def pod_labels(workload: Manifest) -> Mapping[str, str]:
    labels: Mapping[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def containers(workload: Manifest) -> Iterator[Manifest]:
    """All of a workload's pod, those that run before the others first."""
    yield from pod(workload).get("initContainers", [])
    yield from pod(workload)["containers"]


def variables(overlay: str, container: Manifest) -> dict[str, str]:
    """A container's environment, as far as it is written in the manifests: secrets are left out."""
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            values |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    return values | {entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry}


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions", []))


def _holds(expression: Manifest, labels: Mapping[str, str]) -> bool:
    assert expression["operator"] == "In", "the only operator that the manifests use"
    return labels.get(expression["key"]) in expression["values"]
