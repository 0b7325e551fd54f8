"""Attributes of the Langfuse SDKs (v3 and later), https://langfuse.com/integrations/native/opentelemetry."""

from __future__ import annotations

from typing import Final

from tracer.messages.conversation import tool_definition
from tracer.records import Json
from tracer.wire.dialects.parsers import (
    boolean,
    choice,
    count,
    mapping,
    micros,
    names,
    objects,
    text,
)
from tracer.wire.dialects.table import OBJECT, Dialect, Rule
from tracer.wire.dialects.usage_rules import object_rules, own_cost
from tracer.wire.json_text import json_float, json_value, present_json

KINDS: Final = (
    "span",
    "generation",
    "event",
    "embedding",
    "agent",
    "tool",
    "chain",
    "retriever",
    "guardrail",
    "evaluator",
)

_LEVELS: Final = {
    "debug": ("debug", "trace", "verbose"),
    "default": ("default", "info", "log", "notice", "ok", "success"),
    "warning": ("warning", "warn"),
    "error": ("error", "fatal", "critical"),
}
_LEVEL_OF: Final = {word: level for level, words in _LEVELS.items() for word in words}


def _level(value: Json) -> str | None:
    return _LEVEL_OF.get(value.strip().lower()) if isinstance(value, str) else None


def offered_tools(sent: Json) -> list[Json] | None:
    """Return the tool definitions in an input; clients have no other field for them.

    None: there are none.
    """
    if isinstance(sent, dict):
        return objects(sent.get("tools")) or objects(sent.get("functions"))
    if isinstance(sent, list):
        return [tool for item in sent if (tool := tool_definition(item)) is not None] or None
    return None


_TRACE: Final = (
    Rule("trace.name", "langfuse.trace.name", text),
    Rule("trace.user_id", "langfuse.user.id", text, keep=True),
    Rule("trace.session_id", "langfuse.session.id", text, keep=True),
    Rule("trace.public", "langfuse.trace.public", boolean),
    Rule("trace.public", "langfuse.public", boolean),
    Rule("trace.tags", "langfuse.trace.tags", names, json=True),
    Rule("trace.tags", "langfuse.tags", names, json=True),
    Rule("trace.input", "langfuse.trace.input", present_json, json=True),
    Rule("trace.output", "langfuse.trace.output", present_json, json=True),
    Rule("trace.metadata", "langfuse.trace.metadata", mapping, json=True),
    Rule("trace.metadata", "langfuse.trace.metadata.*", json_value, json=True),
    Rule("trace.environment", "langfuse.environment", text, keep=True),
    Rule("trace.release", "langfuse.release", text, keep=True),
    Rule("trace.version", "langfuse.version", text, keep=True),
)

# Version 5 of the Python SDK encodes every value of metadata as JSON, the JavaScript SDKs all but
# strings. Versions 3 and 4 of the Python SDK send strings and integers as they are.
_TEXTS_AS_THEY_ARE: Final = ("langfuse-sdk (python 3)", "langfuse-sdk (python 4)")

_OBSERVATION: Final = (
    Rule("kind", "langfuse.observation.type", choice({k: k for k in KINDS if k != "span"})),
    # The SDKs set it on every span that they update, so other attributes have precedence.
    Rule("weak_kind", "langfuse.observation.type", choice({"span": "span"})),
    Rule("level", "langfuse.observation.level", _level),
    Rule("status_message", "langfuse.observation.status_message", text),
    Rule("input", "langfuse.observation.input", present_json, json=True),
    Rule("tools", "langfuse.observation.input", offered_tools, json=True),
    Rule("output", "langfuse.observation.output", present_json, json=True),
    Rule("metadata", "langfuse.observation.metadata", mapping, json=True),
    *(
        Rule("metadata", "langfuse.observation.metadata.*", json_float, json=True, scope=scope)
        for scope in _TEXTS_AS_THEY_ARE
    ),
    Rule("metadata", "langfuse.observation.metadata.*", json_value, json=True),
    Rule("metadata", "langfuse.metadata", mapping, json=True),
    Rule("metadata", "langfuse.metadata.*", json_value, json=True),
    Rule("model", "langfuse.observation.model.name", text),
    Rule("model_parameters", "langfuse.observation.model.parameters", mapping, json=True),
    Rule("cost", "langfuse.observation.cost_details", mapping, OBJECT, own_cost, json=True),
    *object_rules("langfuse.observation.usage_details"),
    Rule("first_token_time", "langfuse.observation.completion_start_time", micros),
    Rule("prompt_name", "langfuse.observation.prompt.name", text),
    Rule("prompt_name", "langfuse.prompt.name", text),
    Rule("prompt_version", "langfuse.observation.prompt.version", count),
    Rule("prompt_version", "langfuse.prompt.version", count),
    Rule("as_root", "langfuse.internal.as_root", boolean, keep=True),
)

# Callbacks of frameworks send these as metadata, because they have no field for them.
_IN_METADATA: Final = tuple(
    Rule(field, f"langfuse.{of}.metadata.langfuse_{name}", parse, json=name == "tags", keep=True)
    for of in ("observation", "trace")
    for field, name, parse in (
        ("trace.user_id", "user_id", text),
        ("trace.session_id", "session_id", text),
        ("trace.tags", "tags", names),
    )
)

DIALECT: Final = Dialect(
    "langfuse",
    aggregates=False,
    rules=(*_OBSERVATION, *_TRACE, *_IN_METADATA),
    resource=(
        *_TRACE,
        Rule("trace.metadata", "langfuse.metadata", mapping, json=True),
        Rule("trace.metadata", "langfuse.metadata.*", json_value, json=True),
    ),
)
