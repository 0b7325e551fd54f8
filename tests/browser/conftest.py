"""Fixtures of the browser tests: a headless Chromium, and the application on a real port."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from tests.support.pages.stories import Story
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.writing.writer import Writer

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), "")
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

# These tests are of what a page does: how long it may take is the benches' question, and a busy
# machine has needed more than Playwright's five seconds for a page that does all that it should.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)

Tell = Callable[..., None]
Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where there is no Chromium, and say how to get one."""
    skip = pytest.mark.skip(reason="no Chromium: apt-get install chromium (or .ci/run) brings one")
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(skip)


class Quiet(WSGIRequestHandler):
    """Logs no requests: a failing test's report is about the test."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Site(ThreadedWSGIServer):
    """The application in threads, which end when it is closed and not after a silence.

    A browser opens connections ahead. Closed while it asks its first question on one, they fail
    the page; and a page that is asking still when its test ends must not outlive the database.
    """

    daemon_threads = False

    def __init__(self, app: Flask) -> None:
        self.taken: list[socket.socket] = []
        super().__init__("127.0.0.1", 0, app, handler=Quiet)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and remember it."""
        connection, address = super().get_request()
        self.taken.append(connection)
        return connection, address

    def server_close(self) -> None:
        """Let every request be answered, none be asked any more, and the threads end."""
        for connection in self.taken:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


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
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tell(writer: Writer) -> Tell:
    """Store stories in the default project."""

    def store(*stories: Story) -> None:
        for story in stories:
            assert writer.write(DEFAULT_PROJECT, story.batch) == []

    return store


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in the windows of this test; one that provokes a fault clears it."""
    return []


@pytest.fixture
def visit(chromium: Browser, site: str, faults: list[str]) -> Iterator[Open]:
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
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda sent: None if sent.url.startswith((site, "data:")) else faults.append(sent.url),
        )
        page.set_default_timeout(PATIENCE)
        page.goto(site + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
