"""The API's page in a real browser: it can be read and tried without asking anybody but the gateway."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from chromium import SLOWEST_MS, Visit
from gateway_process import Gateway, serving
from playwright.sync_api import Browser, Route, expect

expect.set_options(timeout=SLOWEST_MS)


@pytest.fixture(scope="module")
def gateway(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(tmp_path_factory.mktemp("serve")) as gateway:
        yield gateway


def test_an_operation_is_found_and_tried_without_leaving_the_machine(visit: Visit, gateway: Gateway) -> None:
    page, hosts = visit.page, set()

    def only_here(route: Route) -> None:
        hosts.add(urlsplit(route.request.url).hostname)
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            route.abort()

    page.route("**/*", only_here)
    page.goto(f"{gateway.url}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("auth-bearer-value").fill(gateway.key)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close", exact=True).first.click()
    operation = page.locator(".opblock", has=page.locator('[data-path="/v1alpha/me"]'))
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    with page.expect_response("**/v1alpha/me") as answer:
        operation.get_by_role("button", name="Execute").click()

    assert answer.value.status == 200
    expect(operation.locator(".live-responses-table")).to_contain_text('"account"')
    assert hosts == {"127.0.0.1"}
