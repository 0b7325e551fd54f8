"""Attribute names that the SDK sends: OpenTelemetry's where it has them, else ``tracer.*``."""

from __future__ import annotations

from typing import Final

KIND: Final = "tracer.kind"
LEVEL: Final = "tracer.level"
STATUS_MESSAGE: Final = "tracer.status_message"
INPUT: Final = "tracer.input"
OUTPUT: Final = "tracer.output"
METADATA: Final = "tracer.metadata"
MODEL: Final = "gen_ai.request.model"
PARAMETERS: Final = "tracer.model_parameters"
PROVIDER: Final = "gen_ai.provider.name"
USAGE: Final = "tracer.usage"
COST: Final = "tracer.cost"
FIRST_TOKEN: Final = "tracer.first_token_time"
PROMPT: Final = "tracer.prompt.name"
PROMPT_VERSION: Final = "tracer.prompt.version"

SESSION: Final = "session.id"
USER: Final = "user.id"
TAGS: Final = "tracer.trace.tags"
TRACE_NAME: Final = "tracer.trace.name"
TRACE_INPUT: Final = "tracer.trace.input"
TRACE_OUTPUT: Final = "tracer.trace.output"
TRACE_METADATA: Final = "tracer.trace.metadata"
PUBLIC: Final = "tracer.trace.public"

ENVIRONMENT: Final = "deployment.environment.name"
RELEASE: Final = "tracer.release"
