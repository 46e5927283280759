"""A real browser, and what is asked of every page it shows."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
SLOWEST_MS = 120_000
_ACCESSIBLE = Axe()


@dataclass
class Visit:
    """One person's visit: a page of its own, without memory of others."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the browser said went wrong."""

    def hears(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def barriers(self) -> list[str]:
        """What axe finds wrong, and whether the page is too wide: in the light at a desk, in the dark on a phone."""
        found = []
        for scheme, size in (("dark", PHONE), ("light", DESKTOP)):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            report = _ACCESSIBLE.run(self.page)
            if report.violations_count:
                found.append(f"{scheme}: {report.generate_report()}")
            if (width := self.page.evaluate("document.documentElement.scrollWidth")) > size["width"]:
                found.append(f"{scheme}: {width} px wide")
        return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's. Skips where there is none: this installs nothing."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser) -> Iterator[Visit]:
    """Ends with the browser having had nothing to complain of."""
    context = browser.new_context(viewport=DESKTOP, accept_downloads=True)  # type: ignore[arg-type]
    context.set_default_timeout(SLOWEST_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit = Visit(context.new_page())
    visit.page.on("console", visit.hears)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    context.close()
    assert visit.complaints == []
