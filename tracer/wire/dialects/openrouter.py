"""OpenRouter Broadcast, https://openrouter.ai/docs/guides/features/broadcast/otel-collector."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    milliseconds,
    names,
    present,
    text,
)
from tracer.wire.dialects.table import Dialect, Rule

_DEFAULT_NAME: Final = "OpenRouter Request"


def _answer(value: Json) -> Json:
    """Return an answer as one message; None: the value is not OpenRouter's."""
    if not isinstance(value, dict) or "completion" not in value:
        return None
    message = {
        "role": "assistant",
        "content": value["completion"],
        "reasoning": value.get("reasoning"),
        "tool_calls": value.get("toolCalls"),
    }
    return {name: item for name, item in message.items() if item not in (None, "", [])}


def _name(value: Json) -> str | None:
    """Return the trace's name if the application set it."""
    name = text(value)
    return None if name == _DEFAULT_NAME else name


DIALECT: Final = Dialect(
    "openrouter",
    scopes=("openrouter",),
    rules=(
        # Attempts at providers, below their generation, have an operation too.
        Rule("kind", "span.type", choice({"generation": "generation", "span": "span"}), keep=True),
        Rule("input", "span.input", present, json=True),
        # The attribute also has the forwarded request, which has no field.
        Rule("output", "span.output", _answer, json=True, keep=True),
        Rule("output", "gen_ai.completion", _answer, json=True, keep=True),
        Rule("first_token_delay", "trace.metadata.openrouter.first_token_ms", milliseconds),
        Rule("trace.name", "trace.name", _name),
        Rule("trace.tags", "trace.tags", names, json=True),
        Rule("trace.metadata", "trace.metadata.*", json=True),
        Rule("metadata", "span.metadata.*", json=True),
    ),
)
