"""Genkit: flows, models and tools as actions with names, https://genkit.dev/docs/observability/."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    mapping,
    objects,
    opened,
    present,
    text,
    texts,
    value_at,
    words,
)
from tracer.wire.dialects.table import OBJECT, Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_usage
from tracer.wire.usage.names import counts

_SUBTYPES: Final = words(
    {
        "generation": "model background-model",
        "embedding": "embedder",
        "tool": "tool tool.v2",
        "retriever": "retriever",
        "reranker": "reranker",
        "evaluator": "evaluator",
        "agent": "agent",
        "chain": "flow prompt executable-prompt",
    }
)
_TYPES: Final = words({"chain": "flow dotprompt", "span": "action flowStep util userEngagement"})
_MODELS: Final = ("model", "background-model", "embedder")
_MAPPED: Final = ("message", "finishReason", "usage", "request")
"""Names in a model's answer that have a field; the request repeats the input."""


def _model(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the action's name if the action is a model."""
    return parts.get("name") if parts.get("subtype") in _MODELS else None, True


def _provider(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the plugin, the prefix of the model's name."""
    model, _ = _model(parts)
    plugin, _, name = (model or "").partition("/")
    return plugin if name else None, True


def _part(part: Json) -> Json:
    if not isinstance(part, dict):
        return part
    for key, word, body in (
        ("toolRequest", "tool_call", "input"),
        ("toolResponse", "tool_call_response", "output"),
    ):
        if isinstance(value := part.get(key), dict):
            names = {"ref": "id", body: "arguments" if word == "tool_call" else "response"}
            return {"type": word, **{names.get(name, name): item for name, item in value.items()}}
    if isinstance(media := part.get("media"), dict):
        return {"type": "file", "url": media.get("url"), "mime_type": media.get("contentType")}
    if isinstance(value := part.get("reasoning"), str):
        return {"type": "reasoning", "content": value}
    return part


def _message(message: Json) -> Json:
    """Return a message with OpenTelemetry's names of parts; a text is unchanged."""
    content = message.get("content") if isinstance(message, dict) else None
    parts = [_part(part) for part in content] if isinstance(content, list) else content
    if parts == content:
        return message
    return {**{name: item for name, item in message.items() if name != "content"}, "parts": parts}


def _input(value: Json) -> Json:
    """Return a request's messages; of other actions the whole input."""
    messages = objects(value.get("messages")) if isinstance(value, dict) else None
    return [_message(message) for message in messages] if messages else opened(value)


def _output(value: Json) -> Json:
    message = mapping(value.get("message")) if isinstance(value, dict) else None
    return _message(message) if message else opened(value)


def _parameters(value: Json) -> dict[str, Json] | None:
    """Return the request without its messages and tools."""
    if not isinstance(value, dict) or "messages" not in value:
        return None
    rest = {k: item for k, item in value.items() if k not in ("config", "messages", "tools")}
    return {**(mapping(value.get("config")) or {}), **rest} or None


def _beside(value: Json) -> dict[str, Json] | None:
    """Return the answer without the names that have a field."""
    if not isinstance(value, dict) or "message" not in value:
        return None
    return {name: item for name, item in value.items() if name not in _MAPPED} or None


def _counts(value: Json) -> dict[str, Json] | None:
    """Return the counts of tokens, without those of characters, images or files."""
    return {name: count for name, count in (mapping(value) or {}).items() if counts(name)} or None


DIALECT: Final = Dialect(
    "genkit",
    scopes=("genkit-tracer",),
    rules=(
        Rule("kind", "genkit:metadata:subtype", choice(_SUBTYPES), keep=True),
        Rule("kind", "genkit:type", choice(_TYPES), keep=True),
        Rule("name", "genkit:name", text, keep=True),
        *(
            Rule(field, key, text, part, build, keep=True)
            for field, build in (("model", _model), ("provider", _provider))
            for key, part in (("genkit:name", "name"), ("genkit:metadata:subtype", "subtype"))
        ),
        Rule("model_parameters", "genkit:input", _parameters, json=True),
        Rule("tools", "genkit:input", value_at("tools", parse=objects), json=True),
        Rule("input", "genkit:input", _input, json=True),
        Rule("output", "genkit:output", _output, json=True),
        Rule("finish_reasons", "genkit:output", value_at("finishReason", parse=texts), json=True),
        Rule(
            "usage",
            "genkit:output",
            value_at("usage", parse=_counts),
            OBJECT,
            inclusive_usage,
            json=True,
        ),
        Rule("metadata", "genkit:output", _beside, json=True),
        Rule("trace.session_id", "genkit:sessionId", text, keep=True),
        Rule("metadata", "genkit:metadata:context", present, "context", json=True),
    ),
)
