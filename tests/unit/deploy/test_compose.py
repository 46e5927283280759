"""The compose file as Docker Compose itself reads it."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployment.gateway_settings import settings_from
from deployment.manifests import ROOT

from services.common.http_server import FINISH_S

SECRETS = {
    "LIPSTAGE_NATS_PASSWORD": "12345",
    "LIPSTAGE_S3_SECRET_KEY": "two",
    "LIPSTAGE_LINK_SECRET": "0123456789abcdef0123456789abcdef",
    "LIPSTAGE_ROUTE_OWNER": "Acme",
    "LIPSTAGE_SUPPORT": "help@example.com",
    "GRAFANA_PASSWORD": "three",
}
"""And what else nobody can choose for who runs it."""
ONE_SHOT = {"bootstrap", "volume-owner"}
OWN = {"bootstrap", "preprocess", "denoise", "composite", "reconciler", "gateway"}
SERVING = OWN - ONE_SHOT
WORKERS = SERVING - {"gateway"}
SHARED = {"nats", "minio", "volume-owner"} | OWN
PROFILES = {
    ("cpu",): SHARED | {"triton-cpu"},
    ("gpu",): SHARED | {"triton-gpu"},
    ("cpu", "observability"): SHARED | {"triton-cpu", "prometheus", "jaeger", "grafana"},
}


@pytest.mark.parametrize("profiles", PROFILES, ids="+".join)
def test_a_profile_brings_exactly_its_services(profiles: tuple[str, ...]) -> None:
    assert _services(profiles).keys() == PROFILES[profiles]


@pytest.mark.parametrize("missing", SECRETS)
def test_nothing_starts_without_its_secrets(missing: str) -> None:
    done = _compose(("cpu",), {name: value for name, value in SECRETS.items() if name != missing})

    assert done.returncode != 0
    assert f"required variable {missing} is missing" in done.stderr


def test_no_secret_is_written_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()

    for line in text.splitlines():
        if re.search(r"(PASSWORD|SECRET_KEY|LINK_SECRET): ", line) and ": *" not in line:
            assert re.search(r"\$\{\w+:\?", line), line


def test_every_image_has_a_version() -> None:
    for name, service in _services().items():
        assert re.search(r":[^:]*\d[^:]*$", service["image"]), name


def test_no_container_has_rights_it_does_not_need() -> None:
    for name, service in _services().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.keys() & {"privileged", "pid", "ipc", "devices"}, name


def test_only_the_owner_of_fresh_volumes_is_root_and_it_reaches_no_network() -> None:
    services = _services()
    roots = {name for name, service in services.items() if name not in OWN and service.get("user", "0")[0] == "0"}

    assert roots == {"volume-owner"}
    assert services["volume-owner"]["cap_add"] == ["CHOWN"]
    assert services["volume-owner"]["network_mode"] == "none"
    assert [name for name, service in services.items() if "cap_add" in service] == ["volume-owner"]


def test_only_what_people_and_their_programs_use_is_published_and_only_on_this_machine() -> None:
    ports = {
        (name, f"{port['host_ip']}:{port['published']}")
        for name, service in _services().items()
        for port in service.get("ports", [])
    }

    assert ports == {
        ("gateway", "127.0.0.1:8000"),
        ("gateway", "127.0.0.1:9001"),
        ("minio", "127.0.0.1:9000"),
        ("grafana", "127.0.0.1:3000"),
        ("jaeger", "127.0.0.1:16686"),
    }


def test_only_the_gateway_is_on_a_network_that_leads_to_the_outside() -> None:
    networks = yaml.safe_load(_compose(("cpu", "gpu", "observability"), SECRETS).stdout)["networks"]
    closed = {name for name, network in networks.items() if network.get("internal")}

    assert networks.keys() - closed == {"published", "outside"}
    assert [name for name, service in _services().items() if "outside" in service.get("networks", {})] == ["gateway"]
    assert networks["published"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    for name in WORKERS:
        assert set(_services()[name]["networks"]) <= closed, name


def test_every_service_that_stays_is_checked_and_comes_back() -> None:
    for name, service in _services().items():
        if name in ONE_SHOT:
            assert service["restart"] == "no"
        else:
            assert service["restart"] == "unless-stopped", name
            # The images of the services bring theirs: docker/Dockerfile.
            assert "healthcheck" in service or name in SERVING, name


def test_workers_start_after_the_bootstrap_has_done_its_work() -> None:
    services = _services()

    for name in SERVING:
        assert services[name]["depends_on"]["bootstrap"]["condition"] == "service_completed_successfully"
    assert {name: on["condition"] for name, on in services["bootstrap"]["depends_on"].items()} == {
        "nats": "service_healthy",
        "minio": "service_healthy",
    }


def test_workers_are_given_the_time_to_drain() -> None:
    services = _services()

    for name in WORKERS:
        assert _grace_s(services[name]) >= int(services[name]["environment"]["LIPSTAGE_DRAIN_S"]) + 30


def test_the_gateway_is_given_the_time_to_finish_its_answers() -> None:
    assert _grace_s(_services()["gateway"]) > 2 * FINISH_S


def test_the_gateway_starts_with_what_it_is_given_and_hands_out_links_to_the_published_store() -> None:
    given = _services()["gateway"]["environment"]

    settings = settings_from(given)

    assert (settings.environment, settings.variants) == ("production", ("1",))
    assert settings.link_secret.get_secret_value() == SECRETS["LIPSTAGE_LINK_SECRET"]
    assert settings.base_url == "http://127.0.0.1:8000"
    assert str(settings.s3_public_url) == "http://127.0.0.1:9000/"


def test_a_password_that_looks_like_a_number_reaches_nats_in_quotes() -> None:
    assert _services()["nats"]["environment"]["LIPSTAGE_NATS_PASSWORD"] == '"12345"'


def test_the_example_names_every_secret() -> None:
    example = (ROOT / "docker" / "env.example").read_text()

    assert set(SECRETS) <= set(re.findall(r"^(\w+)=$", example, re.MULTILINE))


def _grace_s(service: dict[str, Any]) -> int:
    minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", service["stop_grace_period"]).groups()
    return 60 * int(minutes or 0) + int(seconds or 0)


def _services(profiles: tuple[str, ...] = ("cpu", "gpu", "observability")) -> dict[str, Any]:
    done = _compose(profiles, SECRETS)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return services


def _compose(profiles: tuple[str, ...], secrets: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return _read(profiles, tuple(secrets.items()))


@cache
def _read(profiles: tuple[str, ...], secrets: tuple[tuple[str, str], ...]) -> "subprocess.CompletedProcess[str]":
    compose = Path(sys.executable).with_name("docker-compose")
    command = [compose, "--env-file", os.devnull, *(f"--profile={profile}" for profile in profiles), "config"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LIPSTAGE_", "GRAFANA_"))}
    return subprocess.run(command, cwd=ROOT, env=plain | dict(secrets), capture_output=True, text=True)
