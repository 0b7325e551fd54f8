"""Fixtures of the browser tests: a headless Chromium, and the application on a real port."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.pages.browser import ARGUMENTS, CHROMIUM, TIMEOUT_MS, OpenPage, Site
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.writing.writer import Writer

expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where there is no Chromium, and print how to install one."""
    install = "apt-get install chromium-headless-shell (or .ci/run)"
    skip = pytest.mark.skip(reason=f"no Chromium: {install} brings one")
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(skip)


# Not of the session: Playwright keeps an event loop in this thread, and other tests run their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file of tests; each opens windows of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the application, served by threads of this process."""
    server = Site(app)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store_traces(writer: Writer) -> StoreTraces:
    """Store stories in the default project."""

    def store(*stories: TraceBuilder) -> None:
        for story in stories:
            assert writer.write(DEFAULT_PROJECT, story.batch) == []

    return store


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in the windows of this test; one that provokes a fault clears it."""
    return []


@pytest.fixture
def open_page(chromium: Browser, site: str, faults: list[str]) -> Iterator[OpenPage]:
    """Open a path in a new window; errors on the console and requests elsewhere fail the test."""
    contexts: list[BrowserContext] = []

    def open_page(path: str, *, scripts: bool = True, width: int = 1440) -> Page:
        context = chromium.new_context(
            java_script_enabled=scripts,
            color_scheme="light",
            viewport={"width": width, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda message: faults.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda sent: None if sent.url.startswith((site, "data:")) else faults.append(sent.url),
        )
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(site + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
