"""Names without a prefix, as in hand-written spans; the names of all dialects come first."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    count,
    mapping,
    names,
    present,
    text,
)
from tracer.wire.dialects.table import OBJECT, Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_usage
from tracer.wire.usage.names import counts

_COUNTS: Final = (
    "input_tokens",
    "prompt_tokens",
    "output_tokens",
    "completion_tokens",
    "total_tokens",
)


def _tokens(value: Json) -> dict[str, Json] | None:
    """Return an object whose names count tokens; None: it is another object."""
    named = mapping(value) or {}
    return (
        named if any(name.lower().endswith("tokens") and counts(name) for name in named) else None
    )


DIALECT: Final = Dialect(
    "plain",
    aggregates=False,
    rules=(
        Rule("input", "input", present, json=True, late=True),
        Rule("output", "output", present, json=True, late=True),
        Rule("model", "model", text, late=True),
        *(Rule("usage", name, count, name, inclusive_usage, late=True) for name in _COUNTS),
        Rule("usage", "usage", _tokens, OBJECT, inclusive_usage, json=True, late=True),
        Rule("trace.session_id", "session_id", text, keep=True, late=True),
        Rule("trace.session_id", "thread_id", text, keep=True, late=True),
        Rule("trace.user_id", "user_id", text, keep=True, late=True),
        Rule("trace.tags", "tags", names, json=True, late=True),
    ),
)
