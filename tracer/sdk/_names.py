"""Attributes that several modules know: OpenTelemetry's where it has one, else ``tracer.*``."""

from __future__ import annotations

from typing import Final

KIND: Final = "tracer.kind"
LEVEL: Final = "tracer.level"
INPUT: Final = "tracer.input"
OUTPUT: Final = "tracer.output"
METADATA: Final = "tracer.metadata"
MODEL: Final = "gen_ai.request.model"
USAGE: Final = "tracer.usage"
COST: Final = "tracer.cost"
FIRST_TOKEN: Final = "tracer.first_token_time"
SESSION: Final = "session.id"
USER: Final = "user.id"
TAGS: Final = "tracer.trace.tags"
TRACE_METADATA: Final = "tracer.trace.metadata"
