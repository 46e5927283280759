"""The gateway's settings as its process reads them."""

import os
from collections.abc import Mapping

import pytest

from gateway.settings import GatewaySettings


def settings_from(variables: Mapping[str, str]) -> GatewaySettings:
    """Raises ValidationError where the gateway would not start with these variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("LIPSTAGE_"):
                patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        return GatewaySettings()  # type: ignore[call-arg]  # the environment has them
