"""A real browser for the tests of the page: Debian's Chromium, driven by Playwright.

    with Browser() as browser:
        tab = browser.tab("http://127.0.0.1:9400", dark=True, width=390)
        tab.page.click("text=Workers")
        assert not tab.faults()
"""

import os
import pathlib
import shutil
import urllib.parse

from playwright.sync_api import Page, Playwright, sync_playwright
from playwright.sync_api import Browser as Chromium

HEIGHT = 900


class Unavailable(RuntimeError):
    """There is no browser here; the message says why."""


class Tab:
    """A page with a session of its own, and what went wrong on it."""

    def __init__(self, page: Page, address: str):
        self.page = page
        self.errors: list[str] = []
        self.strangers: list[str] = []  # Addresses asked for that are not the server's.
        host = urllib.parse.urlsplit(address).netloc

        def asked(request) -> None:
            if urllib.parse.urlsplit(request.url).netloc != host:
                self.strangers.append(request.url)

        page.on("request", asked)
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)

    def faults(self) -> list[str]:
        return self.errors + self.strangers

    def is_wider_than_its_window(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > innerWidth")

    def picture(self, path: pathlib.Path) -> None:
        self.page.screenshot(path=path, full_page=True)


class Browser:
    """Chromium without a window."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None

    def __enter__(self) -> "Browser":
        program = shutil.which("chromium")
        if program is None:
            raise Unavailable("there is no program 'chromium'")
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=program,
            # Its sandbox cannot be made by root.
            args=["--no-sandbox"] if os.geteuid() == 0 else [])
        return self

    def __exit__(self, *_) -> None:
        if self._chromium is not None:
            self._chromium.close()
        if self._playwright is not None:
            self._playwright.stop()

    def tab(self, address: str, dark: bool = False, width: int = 1280) -> Tab:
        """A new session that looks at an address; it ends with the browser."""
        assert self._chromium is not None
        context = self._chromium.new_context(
            color_scheme="dark" if dark else "light", viewport={"width": width, "height": HEIGHT})
        return Tab(context.new_page(), address)
