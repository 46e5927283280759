"""The API's page is made of what is installed, and of nothing inline."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.api_page.page import api_page_routes


@pytest.fixture(scope="module")
def browser() -> TestClient:
    return TestClient(Starlette(routes=api_page_routes()))


def test_everything_the_page_asks_for_is_there(browser: TestClient) -> None:
    page = browser.get("/docs").text
    asked = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page)

    answers = [browser.get(address) for address in asked]

    assert len(asked) == 3
    assert all(address.startswith("/docs/") for address in asked)
    assert [answer.status_code for answer in answers] == [200] * 3


def test_nothing_inline_and_nothing_foreign_may_run_there(browser: TestClient) -> None:
    page = browser.get("/docs")
    allowed = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))

    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == "'self'"
    assert not re.search(r"<script>|<style| style=| on[a-z]+=", page.text)
