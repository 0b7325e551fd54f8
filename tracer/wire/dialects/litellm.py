"""LiteLLM's OpenTelemetry callback, https://docs.litellm.ai/docs/observability."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.table import (
    NAME,
    Dialect,
    Parse,
    Rule,
    amount,
    at,
    choice,
    inclusive_cost,
    inclusive_usage,
    some,
    text,
)

_MAX_LENGTH: Final = 20_000

_COSTS: Final = {
    "input_cost": "input",
    "output_cost": "output",
    "total_cost": "total",
    "cache_read_cost": "cache_read",
    "cache_creation_cost": "cache_write",
    "reasoning_cost": "reasoning",
}
_DETAILS: Final = {
    "cache_read": "prompt_tokens_details.cached_tokens",
    "cache_write": "prompt_tokens_details.cache_creation_tokens",
    "reasoning": "completion_tokens_details.reasoning_tokens",
}


@lru_cache(maxsize=256)
def _object(literal: str) -> Json:
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _within(path: str, parse: Parse) -> Parse:
    """Return a parser of what lies at ``path`` of an object that is told as Python writes it."""
    read = at(path, parse=parse)

    def parse_literal(value: Json) -> Json:
        fits = isinstance(value, str) and value[:1] == "{" and len(value) <= _MAX_LENGTH
        return read(_object(value)) if fits else None

    return parse_literal


DIALECT: Final = Dialect(
    "litellm",
    scopes=("litellm*",),
    rules=(
        # The request once more, below the call that it belongs to.
        Rule("kind", NAME, choice({"raw_gen_ai_request": "span"}), scoped=True),
        *(
            Rule("cost", f"gen_ai.cost.{name}", amount, bucket, inclusive_cost)
            for name, bucket in _COSTS.items()
        ),
        *(
            Rule(
                "usage",
                "metadata.usage_object",
                _within(path, some),
                bucket,
                inclusive_usage,
                keep=True,
            )
            for bucket, path in _DETAILS.items()
        ),
        *(
            Rule(field, "metadata.requester_metadata", _within(name, text), keep=True)
            for field, name in (("trace.session_id", "session_id"), ("trace.user_id", "user_id"))
        ),
    ),
)
