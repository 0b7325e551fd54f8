"""Remote calls of the stock instrumentations, https://opentelemetry.io/docs/specs/semconv/rpc/."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import constant, present, text
from tracer.wire.dialects.table import NAME, Dialect, Rule

_MARKS: Final = ("rpc.system", "rpc.system.name", "rpc.service", "rpc.method")


def _named(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return service and method if the name has only one of them."""
    sent, method, service = (parts.get(part, "") for part in ("name", "method", "service"))
    # Newer conventions send the method with the service as prefix.
    readable = method if "/" in method or not service else f"{service}/{method}"
    says_less = sent in ("", method, service, parts.get("system"), f"/{readable}")
    return readable if says_less and method and readable else sent, True


# A remote call is shown as a request over the network.
DIALECT: Final = Dialect(
    "rpc",
    rules=(
        *(Rule("kind_hint", key, constant("http"), keep=True) for key in _MARKS),
        Rule("name", NAME, present, "name", _named, late=True),
        Rule("name", "rpc.method", text, "method", _named, keep=True, late=True),
        Rule("name", "rpc.service", text, "service", _named, keep=True, late=True),
        Rule("name", "rpc.system", text, "system", _named, keep=True, late=True),
        Rule("name", "rpc.system.name", text, "system", _named, keep=True, late=True),
    ),
)
