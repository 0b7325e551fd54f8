"""Chromium with its arguments, and the application on a real port, for the browser tests."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The shell without windows takes a third less processor time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), "")

ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

# Longer than Playwright's five seconds: these tests check what a page does, not how fast, and the
# machine may be busy.
TIMEOUT_MS = 30_000

OpenPage = Callable[..., Page]

WIDTHS = (1440, 900, 390)
"""Of windows that every page has to fit."""


class QuietHandler(WSGIRequestHandler):
    """Logs no requests: a failing test's report is about the test."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


class Site(ThreadedWSGIServer):
    """The application on a port, served by threads that end when the server is closed.

    A browser opens connections in advance. Closing one while its first request is on the way
    fails the page, and a request must not outlive the database of its test.
    """

    daemon_threads = False

    def __init__(self, app: Flask) -> None:
        self.accepted: list[socket.socket] = []
        super().__init__("127.0.0.1", 0, _closing(app), handler=QuietHandler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        self.accepted.append(connection)
        return connection, address

    def server_close(self) -> None:
        """Answer the requests that have arrived, accept no more, and let the threads end."""
        for connection in self.accepted:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


def _closing(app: Flask) -> WSGIApplication:
    """Return the application with answers that are closed with their last chunk.

    werkzeug reads from the connection before it closes an answer; where the browser has reset the
    connection, the file of the answer would stay open.
    """

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        answer = app(environ, start_response)
        return _until_closed(answer)

    return respond


def _until_closed(answer: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from answer
    finally:
        if hasattr(answer, "close"):
            answer.close()


def accessibility_faults(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """Return the serious accessibility faults of a page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate(
        "options => axe.run(options).then(results => results.violations)",
        {"resultTypes": ["violations"], **(options or {})},
    )
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
        for fault in violations
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:2]
    ]
