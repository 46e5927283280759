"""Under which address `lipstage serve` is reached, for the links it makes."""

import ipaddress
import socket
from typing import Final, NamedTuple

from pydantic import AnyHttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.options import checked
from gateway.settings import BaseUrl

_ELSEWHERE: Final = ("192.0.2.1", 9)
"""An address for documentation, which nobody has."""


class PublicAddress(NamedTuple):
    url: AnyHttpUrl
    is_certain: bool
    """Whether others who reach this machine reach it by this address."""


class _Chosen(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LIPSTAGE_", env_ignore_empty=True)

    public_url: BaseUrl | None = None


def public_address(host: str, port: int, tls: bool) -> PublicAddress:
    """What LIPSTAGE_PUBLIC_URL says; else `host`, or this machine's own address where `host` stands for any.

    With `tls` it is the name in the certificate. Raises InvalidParameter for what is no address.
    """
    chosen = checked(_Chosen).public_url
    if chosen is not None:
        return PublicAddress(chosen, True)
    is_any = ipaddress.ip_address(host).is_unspecified
    if tls:
        return PublicAddress(AnyHttpUrl(f"https://localhost:{port}"), not is_any)
    return PublicAddress(AnyHttpUrl(f"http://{_own_address() if is_any else host}:{port}"), not is_any)


def _own_address() -> str:
    """By which the system would send to others: asking it for the way sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(_ELSEWHERE)
        except OSError:
            return "localhost"
        address: str = asking.getsockname()[0]
        return address
