"""Logfire, https://logfire.pydantic.dev/docs/: spans of its SDK, also running ones."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    count,
    mapping,
    names,
    objects,
    opened,
    text,
    value_at,
)
from tracer.wire.dialects.table import OBJECT, Dialect, Rule
from tracer.wire.dialects.usage_rules import own_usage

# Logfire's levels are OpenTelemetry's severity numbers.
_LEVELS: Final = ((17, "error"), (13, "warning"), (9, "default"), (0, "debug"))


def _level(value: Json) -> str | None:
    number = count(value)
    return next((name for least, name in _LEVELS if number >= least), None) if number else None


def _span_id(value: Json) -> str | None:
    """Return the hex id of a span; None: all digits are zero."""
    if not isinstance(value, str) or len(value) != 16:
        return None
    return value.lower() if all(digit in "0123456789abcdefABCDEF" for digit in value) else None


DIALECT: Final = Dialect(
    "logfire",
    scopes=("logfire*",),
    rules=(
        Rule("level", "logfire.level_num", _level, keep=True),
        Rule("kind_hint", "logfire.span_type", choice({"log": "event"}), keep=True),
        Rule("pending", "logfire.span_type", choice({"pending_span": "pending"}), keep=True),
        Rule("pending_parent", "logfire.pending_parent_id", _span_id, keep=True),
        Rule("trace.tags", "logfire.tags", names, json=True, keep=True),
        # Its instrumentations of OpenAI's and Anthropic's clients send requests and responses.
        Rule("input", "request_data", opened, json=True, scoped=True),
        Rule("output", "response_data", opened, json=True, scoped=True),
        Rule(
            "tools",
            "request_data",
            value_at("tools", parse=objects),
            json=True,
            scoped=True,
            detail=True,
        ),
        # Older versions send no counts besides the response's own.
        Rule(
            "usage",
            "response_data",
            value_at("usage", parse=mapping),
            OBJECT,
            own_usage,
            json=True,
            scoped=True,
            detail=True,
            late=True,
        ),
        Rule("name", "logfire.msg", text, keep=True, late=True),
    ),
)
