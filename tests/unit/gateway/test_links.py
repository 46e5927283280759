"""Links that were made up are refused, whatever they hold."""

from urllib.parse import quote

import pytest

from gateway.links import OwnLinks
from services.common.errors import LinkInvalid

BASE, NAME = "http://gateway.test", "media/ab.mp4"
LINKS = OwnLinks(BASE, b"secret")


def test_a_link_leads_to_its_object() -> None:
    assert LINKS.name_in(LINKS.link(NAME, 60, "Größe.mp4")) == NAME
    assert LINKS.name_in(f"https://example.com/{NAME}") is None


@pytest.mark.parametrize("expires", ["", "-1", "1e9", "9" * 13, "9" * 5000, quote("٣")])
def test_a_moment_that_is_none_is_refused(expires: str) -> None:
    with pytest.raises(LinkInvalid, match="expiry"):
        LINKS.name_in(f"{BASE}/media/{NAME}?expires={expires}&signature=00")


def test_a_signature_in_other_letters_is_wrong() -> None:
    with pytest.raises(LinkInvalid, match="wrong"):
        LINKS.name_in(f"{BASE}/media/{NAME}?expires=9999999999&signature={quote('é')}")
    with pytest.raises(LinkInvalid, match="wrong"):
        LINKS.check(NAME, 9999999999, "é", "")
