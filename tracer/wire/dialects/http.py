"""HTTP clients and servers of the stock instrumentations, https://opentelemetry.io/docs/specs/semconv/http/."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from tracer.records import Json
from tracer.wire.dialects.parsers import constant, present, text
from tracer.wire.dialects.table import NAME, Dialect, Rule

_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))

_MARKS: Final = ("http.request.method", "http.method", "http.route", "http.url")

_PLACES: Final = {
    "method": ("http.request.method", "http.method"),
    "route": ("http.route", "url.template"),
    "path": ("url.path", "http.target"),
    "url": ("url.full", "http.url"),
}


def _named(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return method and target instead of a name with less detail: ``GET``, a route."""
    sent = parts.get("name", "")
    method, target = parts.get("method"), _target(parts)
    bare = sent.removeprefix("HTTP ").strip()
    is_less_exact = bare.upper() in _METHODS or bare == target or sent in ("", "HTTP")
    if method and target and is_less_exact:
        return f"{method.upper()} {target}", True
    return sent, True


def _target(parts: dict[str, Json]) -> str | None:
    if route := parts.get("route"):
        return str(route)
    try:
        url = urlsplit(parts.get("url") or parts.get("path") or "")
        # Without the query: it may contain secrets, and would make names of one target differ.
        return f"{url.hostname or ''}{url.path}" or None
    except ValueError:
        return None


DIALECT: Final = Dialect(
    "http",
    rules=(
        *(Rule("kind_hint", key, constant("http"), keep=True) for key in _MARKS),
        Rule("name", NAME, present, "name", _named, late=True),
        *(
            Rule("name", key, text, part, _named, keep=True, late=True)
            for part, keys in _PLACES.items()
            for key in keys
        ),
    ),
)
