"""Pipecat: its names beside OpenTelemetry's, https://docs.pipecat.ai."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import choice, constant, error_if, filled, present, seconds, text
from tracer.wire.dialects.parsers import tool_definitions as definitions
from tracer.wire.dialects.table import Built, Dialect, Rule
from tracer.wire.dialects.usage_rules import (
    EXCLUSIVE,
    exclusive_usage,
    normalised_usage,
    usage_rules,
)
from tracer.wire.usage.metadata import exclusive

_KINDS: Final = {"stt": "generation", "tts": "generation"}


def _usage(parts: dict[str, Json]) -> Built:
    """Build usage from counts that have the same names for every provider."""
    counts = {name: number for name, number in parts.items() if name != EXCLUSIVE}
    return (exclusive_usage if EXCLUSIVE in parts else normalised_usage)(counts)


DIALECT: Final = Dialect(
    "pipecat",
    scopes=("pipecat", "pipecat.*"),
    rules=(
        Rule("kind", "gen_ai.operation.name", choice(_KINDS), keep=True, scoped=True),
        Rule("kind", "tool.function_name", constant("tool"), keep=True, scoped=True),
        Rule("name", "tool.function_name", text, keep=True, scoped=True),
        Rule("input", "tool.arguments", filled, json=True, scoped=True),
        Rule("output", "tool.result", present, json=True, scoped=True),
        Rule("level", "tool.result_status", error_if("error"), keep=True, scoped=True),
        Rule("tools", "tools", definitions, json=True, scoped=True),
        Rule("output", "transcript", text, scoped=True),
        Rule("input", "text", text, scoped=True),
        Rule("first_token_delay", "metrics.ttfb", seconds, scoped=True),
        Rule("trace.session_id", "conversation.id", text, keep=True, scoped=True),
        *usage_rules("gen_ai.usage.", _usage, scoped=True),
        *(
            Rule("usage", key, exclusive, EXCLUSIVE, _usage, detail=True, scoped=True)
            for key in ("gen_ai.provider.name", "gen_ai.system")
        ),
    ),
)
