"""Tracer's own names, which `tracer.sdk` uses where OpenTelemetry has no equal name."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer import exact_json
from tracer.records import KINDS, LEVELS, Json
from tracer.wire.dialects.parsers import (
    MAX_MICROS,
    boolean,
    choice,
    count,
    mapping,
    names,
    text,
)
from tracer.wire.dialects.table import OBJECT, Dialect, Rule
from tracer.wire.dialects.usage_rules import object_rules, own_cost


def _value(sent: Json) -> Json:
    """Return the value of JSON text; in this dialect a string has its quotes."""
    if not isinstance(sent, str):
        return sent
    try:
        return exact_json.decode(sent)
    except (msgspec.DecodeError, UnicodeError):
        # A limit cut the text; the rest is shown.
        return sent


def _moment(sent: Json) -> int | None:
    """Return nanoseconds since the epoch as microseconds."""
    if type(sent) is not int:
        return None
    return sent // 1_000 if 0 < sent // 1_000 <= MAX_MICROS else None


DIALECT: Final = Dialect(
    "tracer",
    aggregates=False,
    rules=(
        Rule("kind", "tracer.kind", choice({kind: kind for kind in KINDS})),
        Rule("level", "tracer.level", choice({level: level for level in LEVELS})),
        Rule("status_message", "tracer.status_message", text),
        Rule("input", "tracer.input", _value, json=True),
        Rule("output", "tracer.output", _value, json=True),
        Rule("metadata", "tracer.metadata", mapping, json=True),
        Rule("model", "tracer.model", text),
        Rule("model_parameters", "tracer.model_parameters", mapping, json=True),
        Rule("cost", "tracer.cost", mapping, OBJECT, own_cost, json=True),
        *object_rules("tracer.usage"),
        Rule("first_token_time", "tracer.first_token_time", _moment),
        Rule("prompt_name", "tracer.prompt.name", text),
        Rule("prompt_version", "tracer.prompt.version", count),
        Rule("trace.name", "tracer.trace.name", text),
        Rule("trace.input", "tracer.trace.input", _value, json=True),
        Rule("trace.output", "tracer.trace.output", _value, json=True),
        Rule("trace.metadata", "tracer.trace.metadata", mapping, json=True),
        Rule("trace.tags", "tracer.trace.tags", names, json=True),
        Rule("trace.public", "tracer.trace.public", boolean),
    ),
    resource=(Rule("trace.release", "tracer.release", text, keep=True),),
)
