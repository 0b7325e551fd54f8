"""OpenTelemetry's general attributes, sent by any instrumentation: who, where, HTTP, databases."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.table import Dialect, Rule, constant, text

_WHERE: Final = (
    Rule("trace.environment", "deployment.environment.name", text, keep=True),
    Rule("trace.environment", "deployment.environment", text, keep=True),
)

_HTTP: Final = ("http.request.method", "http.method", "http.route", "http.url")
_DATABASE: Final = ("db.system.name", "db.system", "db.query.text", "db.statement")

DIALECT: Final = Dialect(
    "general",
    rules=(
        Rule("trace.user_id", "user.id", text, keep=True),
        Rule("trace.user_id", "enduser.id", text, keep=True),
        Rule("trace.session_id", "session.id", text, keep=True),
        *_WHERE,
        *(Rule("kind_hint", key, constant("http"), keep=True) for key in _HTTP),
        *(Rule("kind_hint", key, constant("database"), keep=True) for key in _DATABASE),
    ),
    resource=(*_WHERE, Rule("trace.version", "service.version", text, keep=True)),
)
