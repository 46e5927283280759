"""What the links of `lipstage serve` begin with."""

import ipaddress

import pytest

from cli.public_address import public_address
from services.common.errors import InvalidParameter

VARIABLE = "LIPSTAGE_PUBLIC_URL"


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_address_that_was_chosen_counts(monkeypatch: pytest.MonkeyPatch, host: str, tls: bool) -> None:
    monkeypatch.setenv(VARIABLE, "https://lipstage.example.com/here")

    assert [str(part) for part in public_address(host, 8000, tls)] == ["https://lipstage.example.com/here", "True"]


@pytest.mark.parametrize(("tls", "url"), [(False, "http://127.0.0.1:8000/"), (True, "https://localhost:8000/")])
def test_where_only_this_machine_can_reach_it_links_say_so(tls: bool, url: str) -> None:
    address = public_address("127.0.0.1", 8000, tls)

    assert (str(address.url), address.is_certain) == (url, True)


def test_links_never_lead_to_the_address_that_stands_for_any() -> None:
    address = public_address("0.0.0.0", 8000, tls=False)

    assert address.url.port == 8000
    assert not address.is_certain
    assert address.url.host == "localhost" or not ipaddress.ip_address(str(address.url.host)).is_unspecified


def test_the_certificates_name_is_kept_but_not_promised_to_others() -> None:
    address = public_address("0.0.0.0", 8000, tls=True)

    assert (str(address.url), address.is_certain) == ("https://localhost:8000/", False)


@pytest.mark.parametrize("wrong", ["lipstage.example.com", "https://lipstage.example.com/?a=b"])
def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv(VARIABLE, wrong)

    with pytest.raises(InvalidParameter, match="public_url"):
        public_address("127.0.0.1", 8000, tls=False)
