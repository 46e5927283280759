import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.playground.page import page_routes


@pytest.fixture(scope="module")
def browser() -> TestClient:
    return TestClient(Starlette(routes=page_routes()))


def _asset(browser: TestClient, name: str) -> str:
    found = re.search(rf'"(/static/[0-9a-f]+/{re.escape(name)})"', browser.get("/").text)
    assert found, name
    return found[1]


def test_every_module_is_asked_for_at_once(browser: TestClient) -> None:
    imported, pending = {"app.js"}, ["app.js"]
    while pending:
        text = browser.get(_asset(browser, pending.pop())).text
        new = set(re.findall(r'from "\./([a-z_]+\.js)"', text)) - imported
        imported |= new
        pending += new

    listed = set(re.findall(r'="/static/[0-9a-f]+/([a-z_]+\.js)"', browser.get("/").text))

    assert listed == imported
    assert len(listed) > 10


def test_the_page_is_asked_for_again_and_its_parts_are_not(browser: TestClient) -> None:
    page = browser.get("/")
    style = browser.get(_asset(browser, "style.css"))

    assert page.headers["cache-control"] == "no-cache"
    assert browser.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert "immutable" in style.headers["cache-control"]
    assert "immutable" not in browser.get("/static/another/style.css").headers["cache-control"]


def test_nothing_inline_and_nothing_foreign_may_run(browser: TestClient) -> None:
    page = browser.get("/")
    allowed = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))

    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == "'self'"
    assert allowed["frame-ancestors"] == "'none'"
    assert not re.search(r"<script>|<style| style=| on[a-z]+=", page.text)
    assert not re.search(r'(src|href)="https?:', page.text)


def test_files_travel_compressed_to_those_who_take_it(browser: TestClient) -> None:
    address = _asset(browser, "style.css")
    plain = browser.get(address, headers={"Accept-Encoding": "identity"})
    zipped = browser.get(address, headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert zipped.text == plain.text


def test_only_files_of_the_page_are_served(browser: TestClient) -> None:
    version = _asset(browser, "style.css").rsplit("/", 1)[0]

    assert browser.get(f"{version}/page.py").status_code == 404
    assert browser.get(f"{version}/..%2Fpage.py").status_code == 404
    assert browser.get(f"{version}/app.js").headers["content-type"] == "text/javascript; charset=utf-8"
