"""Ids in URL paths: any text, slashes included, as one path segment.

WSGI servers unquote the path, after which ``%2F`` and ``/`` are the same. So ``KeepEscapes`` reads
the raw path and leaves ``%2F`` and ``%25`` (which makes this reversible) escaped; routes with
``<id:trace_id>`` unescape them, and building a URL does the reverse. In an id that ends in
``.json``, the dot is escaped: routes use that suffix for JSON representations of pages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from werkzeug.routing import BaseConverter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_ID_CHARACTERS = 800
_KEPT = re.compile(r"%(2f|25|2e(?=json(?:/|$)))", re.IGNORECASE)


class KeepEscapes:
    """WSGI middleware that keeps slashes and percent signs within path segments escaped."""

    def __init__(self, app: WSGIApplication):
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with the partly escaped path."""
        environ["PATH_INFO"] = _path(environ)
        return self.app(environ, start_response)


class IdConverter(BaseConverter):
    """``<id:name>`` in a route: an id of 1 to 800 characters, in one path segment."""

    def to_python(self, value: str) -> str:
        """Return the id; raises ValidationError (no match) for a text that can't be an id."""
        text = value.replace("%2F", "/").replace("%2E", ".").replace("%25", "%")
        if len(text) > MAX_ID_CHARACTERS:
            raise ValidationError
        return text

    def to_url(self, value: Any) -> str:
        """Return the id as a path segment."""
        return id_segment(str(value))


def id_segment(text: str) -> str:
    """Return an id as a path segment."""
    # Most ids are hexadecimal.
    if text.isascii() and text.isalnum():
        return text
    path = quote(text, safe="")
    return f"{path[:-5]}%2Ejson" if path.endswith(".json") else path


def _path(environ: WSGIEnvironment) -> str:
    raw = environ.get("RAW_URI", "")
    if not raw.startswith("/"):
        # An absolute URL: PATH_INFO is the only correct path then. (A prefix of all URLs has been
        # taken off by now, by `tracer/web/incoming/forwarded.py`.)
        return str(environ["PATH_INFO"]).replace("%", "%25")
    escaped = _KEPT.sub(lambda match: f"%25{match[1].upper()}", raw.partition("?")[0])
    return unquote_to_bytes(escaped.encode("latin-1")).decode("latin-1")
