"""The address that `lipstage serve` gives out."""

from pathlib import Path

from gateway_process import serving


def test_what_is_given_out_begins_with_the_public_url(tmp_path: Path) -> None:
    with serving(tmp_path, environment={"LIPSTAGE_PUBLIC_URL": "https://lipstage.example.com"}) as gateway:
        assert gateway.url == "https://lipstage.example.com"
