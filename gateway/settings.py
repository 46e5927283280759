"""Settings of the gateway, environment variables `LIPSTAGE_<NAME>`. Secrets have no default."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.addresses import UrlPolicy
from services.common.errors import InvalidParameter
from services.common.messages import DubParameters

Environment = Literal["development", "production"]
Variant = Literal["1", "15", "16"]
_WELL_KNOWN = ("changeme", "secret", "password", "lipstage", "example")
_SHORTEST_SECRET = 32


def _base(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.query or url.fragment:
        raise ValueError("a base address has no query and no fragment")
    return url


BaseUrl = Annotated[AnyHttpUrl, AfterValidator(_base)]
Port = Annotated[int, Field(ge=0, lt=65536)]
OptionalPort = Annotated[Port | None, BeforeValidator(lambda given: None if given == "off" else given)]


class GatewaySettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LIPSTAGE_", hide_input_in_errors=True)

    environment: Environment = "production"
    host: str = "127.0.0.1"
    port: Port = 8000
    grpc_port: OptionalPort = 9000
    """Of the same host; None, in the environment `off`: there is no gRPC."""
    public_url: BaseUrl
    """Under which callers reach the gateway; links are made from it, never from what a request says its host is."""
    s3_public_url: BaseUrl | None = None
    """Under which callers reach the object store; None: results go through the gateway."""
    link_secret: SecretStr
    """Signs the gateway's own links."""
    route_owner: str = Field(min_length=1)
    """Who runs this installation and answers for it."""
    support: str = Field(min_length=1)
    """Where people ask for help, report abuse or ask for removal."""
    variants: tuple[Variant, ...] = ("1",)
    """What is served here."""
    default_variant: Variant | None = None
    """For callers that cannot choose; None = the last of `variants`."""
    default_steps: int | None = Field(default=None, ge=1, le=1000)
    """For callers that cannot choose; None = as many as for those that do not."""
    default_retention_s: int = Field(default=7 * 24 * 3600, ge=0)
    consent_required: bool = False
    fetch_networks: tuple[IPvAnyNetwork, ...] = ()
    """Networks that media and webhooks may be on although they are not public."""
    fetch_hosts: frozenset[str] = frozenset()
    """Names that may lead there."""
    fetch_ports: frozenset[int] = frozenset()
    """Besides 80 and 443."""
    fetch_ca_file: Path | None = None
    """Authorities that are trusted for it besides the system's."""
    max_media_bytes: int = Field(default=2 << 30, ge=1)
    price_plans: Path | None = None
    """A file of price plans instead of ours."""
    dialect_hosts: dict[str, str] = {}
    """Names that lead here in place of a hosted route's own, and the folder each stands for: `/fal/queue`."""
    workers: int | None = Field(default=None, ge=1)
    """How many tasks are denoised at once, for estimates; None = not known."""

    @field_validator("link_secret")
    @classmethod
    def _secret_is_one(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        value = secret.get_secret_value()
        if info.data.get("environment") == "development":
            return secret
        if len(value) < _SHORTEST_SECRET or any(word in value.lower() for word in _WELL_KNOWN):
            raise ValueError(f"choose a random one of at least {_SHORTEST_SECRET} characters")
        return secret

    @property
    def base_url(self) -> str:
        return str(self.public_url).rstrip("/")

    @property
    def url_policy(self) -> UrlPolicy:
        return UrlPolicy(self.fetch_networks, self.fetch_hosts, self.fetch_ports, self.fetch_ca_file)

    @property
    def variant(self) -> Variant:
        """For callers that cannot choose."""
        return self.default_variant or self.variants[-1]

    @property
    def defaults(self) -> DubParameters:
        if self.default_steps is None:
            return DubParameters(variant=self.variant)
        return DubParameters(variant=self.variant, steps=self.default_steps)

    def served(self, asked: DubParameters) -> DubParameters:
        """What is asked, of this installation's variant if none is named. Raises InvalidParameter for another one."""
        if "variant" not in asked.model_fields_set:
            return asked.model_copy(update={"variant": self.variant})
        if asked.variant not in self.variants:
            raise InvalidParameter(
                f"Variant {asked.variant} is not served here; {' and '.join(self.variants)} can be asked for.",
                parameter="variant",
            )
        return asked
