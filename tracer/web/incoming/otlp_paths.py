"""Accepts OTLP paths with doubled slashes, as exporters build them from a URL ending in ``/``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OTLP: Final = re.compile(r"(?:/+(api)/+(public)/+(otel))?/+(v1)/+(traces|logs|metrics)/*")


def is_otlp(path: str) -> bool:
    """Return whether a path is one of the OTLP endpoints."""
    return _OTLP.fullmatch(path) is not None


class PlainOtlpPaths:
    """WSGI middleware that removes superfluous slashes from paths of OTLP.

    A redirect is no substitute: many exporters don't follow redirects.
    """

    def __init__(self, app: WSGIApplication):
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with the cleaned path."""
        path = _OTLP.fullmatch(environ["PATH_INFO"])
        if path is not None and environ["REQUEST_METHOD"] == "POST":
            environ["PATH_INFO"] = "".join(f"/{part}" for part in path.groups() if part)
        return self.app(environ, start_response)
