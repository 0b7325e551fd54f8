"""LiteLLM's OpenTelemetry callback, https://docs.litellm.ai/docs/observability."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    mapping,
    text,
    value_at,
)
from tracer.wire.dialects.table import (
    NAME,
    Dialect,
    Parse,
    Rule,
)
from tracer.wire.dialects.usage_rules import cost_rules, normalised_usage, usage_rules

_MAX_LENGTH: Final = 20_000


@lru_cache(maxsize=256)
def _object(literal: str) -> Json:
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _literal(value: Json) -> dict[str, Json] | None:
    """Return an object that is sent as a Python literal."""
    fits = isinstance(value, str) and value[:1] == "{" and len(value) <= _MAX_LENGTH
    return mapping(_object(value)) if fits else None


def _within(path: str, parse: Parse) -> Parse:
    """Return a parser of the value at ``path`` of an object sent as a Python literal."""
    read = value_at(path, parse=parse)
    return lambda value: read(_literal(value))


DIALECT: Final = Dialect(
    "litellm",
    scopes=("litellm*",),
    rules=(
        # A repetition of the request, below its call.
        Rule("kind", NAME, choice({"raw_gen_ai_request": "span"}), scoped=True),
        *cost_rules("gen_ai.cost."),
        # Its counts include their parts, also under Anthropic's names for them.
        Rule(
            "usage", "metadata.usage_object", _literal, "usage_object", normalised_usage, keep=True
        ),
        *usage_rules("gen_ai.usage.", normalised_usage, scoped=True),
        *(
            Rule(field, "metadata.requester_metadata", _within(name, text), keep=True)
            for field, name in (("trace.session_id", "session_id"), ("trace.user_id", "user_id"))
        ),
    ),
)
