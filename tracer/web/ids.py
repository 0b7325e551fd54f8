"""Ids in URL paths: whatever text an id is, slashes and all, it is one segment of the path.

A WSGI server hands over the path unquoted, in which ``%2F`` and ``/`` look the same. So
``KeepEscapes`` reads the raw path and leaves ``%2F`` and ``%25`` (which makes that reversible)
escaped, and routes that say ``<id:trace_id>`` unescape them. Building a URL does the reverse.
An id that ends in ``.json`` is written ``%2Ejson``, or it would name the JSON twin of another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from werkzeug.routing import BaseConverter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LONGEST_ID = 800
_KEPT = re.compile(r"%(2f|25|2e(?=json(?:/|$)))", re.IGNORECASE)


class KeepEscapes:
    """WSGI middleware that keeps slashes and percent signs of a path segment escaped."""

    def __init__(self, app: WSGIApplication):
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on with the path as described."""
        environ["PATH_INFO"] = _path(environ)
        return self.app(environ, start_response)


class IdConverter(BaseConverter):
    """``<id:name>`` in a route: an id of 1 to 800 characters, in one path segment."""

    def to_python(self, value: str) -> str:
        """Return the id; a path that can't be one does not match the route."""
        text = value.replace("%2F", "/").replace("%2E", ".").replace("%25", "%")
        if len(text) > LONGEST_ID:
            raise ValidationError
        return text

    def to_url(self, value: Any) -> str:
        """Return the id as a path segment."""
        path = quote(str(value), safe="")
        return f"{path[:-5]}%2Ejson" if path.endswith(".json") else path


def _path(environ: WSGIEnvironment) -> str:
    raw = environ.get("RAW_URI", "")
    if not raw.startswith("/") or environ.get("SCRIPT_NAME"):
        # An absolute address or a mount point: the server has taken it apart already.
        return str(environ["PATH_INFO"]).replace("%", "%25")
    escaped = _KEPT.sub(lambda found: f"%25{found[1].upper()}", raw.partition("?")[0])
    return unquote_to_bytes(escaped.encode("latin-1")).decode("latin-1")
