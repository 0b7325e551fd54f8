"""OpenTelemetry's general attributes, sent by any instrumentation: who and where."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.parsers import text
from tracer.wire.dialects.table import Dialect, Rule

_WHERE: Final = (
    Rule("trace.environment", "deployment.environment.name", text, keep=True),
    Rule("trace.environment", "deployment.environment", text, keep=True),
)

DIALECT: Final = Dialect(
    "general",
    rules=(
        Rule("trace.user_id", "user.id", text, keep=True),
        Rule("trace.user_id", "enduser.id", text, keep=True),
        Rule("trace.user_id", "enduser.pseudo.id", text, keep=True),
        Rule("trace.session_id", "session.id", text, keep=True),
        *_WHERE,
    ),
    resource=(*_WHERE, Rule("trace.version", "service.version", text, keep=True)),
)
