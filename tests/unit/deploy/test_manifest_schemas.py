"""Every rendered manifest against the schemas of Kubernetes, and of the operators whose resources it uses."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from deployment.manifests import OVERLAYS, ROOT, Manifest, named, rendered
from kubernetes_validate import utils as kubernetes

OLDEST = (1, 29)
"""Sidecars, on which the order of ending in a denoise pod rests, are on by default from here on."""
VERSIONS = sorted(
    {release for version in kubernetes.all_versions() if (release := tuple(map(int, version.split(".")[:2]))) >= OLDEST}
)
SCHEMAS = ROOT / "k8s" / "schemas"


@pytest.fixture(autouse=True)
def schemas_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each check parses megabytes of definitions anew."""
    monkeypatch.setattr(kubernetes, "schema_contents", _schema_contents)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: ".".join(map(str, version)))
def test_every_manifest_is_one_that_this_kubernetes_takes(version: tuple[int, int]) -> None:
    for manifest in _manifests():
        if not _schema_file(manifest).exists():
            kubernetes.validate(manifest, ".".join(map(str, version)), strict=True)


def test_every_resource_of_an_operator_is_as_its_documentation_says() -> None:
    kinds = set()
    for manifest in _manifests():
        if _schema_file(manifest).exists():
            jsonschema.Draft202012Validator(_schema(manifest)).validate(manifest)
            kinds.add(manifest["kind"])

    assert kinds == {"ScaledObject", "PodMonitor", "ServiceMonitor", "ExternalSecret"}


def test_a_field_that_kubernetes_does_not_know_is_refused() -> None:
    deployment = copy.deepcopy(dict(named("production", "Deployment", "preprocess")))
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 5

    with pytest.raises(kubernetes.ValidationError, match="terminationGracePeriod"):
        kubernetes.validate(deployment, "1.29", strict=True)


def test_a_field_that_an_operator_does_not_document_is_refused() -> None:
    scaled = copy.deepcopy(dict(named("production", "ScaledObject", "preprocess")))
    scaled["spec"]["triggers"][0]["metadata"]["lag"] = "5"

    with pytest.raises(jsonschema.ValidationError, match="'lag' was unexpected"):
        jsonschema.Draft202012Validator(_schema(scaled)).validate(scaled)


def _manifests() -> list[Manifest]:
    """Those that are the same in both overlays once."""
    return list({json.dumps(m, sort_keys=True): m for overlay in OVERLAYS for m in rendered(overlay)}.values())


def _schema_file(manifest: Manifest) -> Path:
    return SCHEMAS / f"{manifest['apiVersion'].replace('/', '_')}_{manifest['kind']}.json"


def _schema(manifest: Manifest) -> Any:
    return json.loads(_schema_file(manifest).read_text())


_schema_contents = cache(kubernetes.schema_contents)
