"""The gateway against its own description: whatever is sent, it answers as it says it does, and never with a 5xx."""

from collections.abc import Iterator

import httpx2
import pytest
from api_fuzzing import fuzz
from gateway_process import Gateway, serving


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def test_whatever_is_sent_is_answered_as_described(gateway: Gateway) -> None:
    done = fuzz(gateway, examples=5, seed=1)

    assert done.returncode == 0, done.stdout[-6000:]


def test_the_description_has_examples_for_what_callers_send(gateway: Gateway) -> None:
    described = httpx2.get(f"{gateway.url}/openapi.json", trust_env=False).json()

    body = described["paths"]["/v1alpha/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]
    schemes = described["components"]["securitySchemes"]
    assert {"HTTPBearer", "APIKeyHeader"} <= set(schemes)
