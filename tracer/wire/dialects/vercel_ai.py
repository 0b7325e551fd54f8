"""Vercel's AI SDK, versions 3 to 6, https://ai-sdk.dev/docs/ai-sdk-core/telemetry."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    count,
    milliseconds,
    names,
    opened,
    present,
    text,
    texts,
    tool_definitions,
    value_at,
    words,
)
from tracer.wire.dialects.table import (
    EVENT,
    Dialect,
    Rule,
    as_object,
)
from tracer.wire.dialects.usage_rules import (
    EXCLUSIVE,
    REPORTS,
    inclusive_usage,
    usage_rules,
)
from tracer.wire.usage.metadata import excludes, exclusive, metadata_cost, reported

_CALLS: Final = words(
    {
        "generation": "ai.generateText.doGenerate ai.streamText.doStream "
        "ai.generateObject.doGenerate ai.streamObject.doStream",
        "embedding": "ai.embed.doEmbed ai.embedMany.doEmbed",
        "reranker": "ai.rerank.doRerank",
        "tool": "ai.toolCall",
    }
)
# Spans around the calls: they repeat the model and the sums of the calls below.
_WRAPPERS: Final = words(
    {
        "chain": "ai.generateText ai.streamText ai.generateObject ai.streamObject "
        "ai.embed ai.embedMany ai.rerank"
    }
)


def _first_word(value: Json) -> str | None:
    return _CALLS.get(value.partition(" ")[0]) if isinstance(value, str) else None


def _own_name(value: Json) -> str | None:
    """Return an operation with the function's name; None: it is not of this SDK."""
    name = text(value)
    return name if name and name.startswith("ai.") else None


def _vendor(value: Json) -> str | None:
    """Return the vendor in ``openai.chat``."""
    name = text(value)
    return name.partition(".")[0] if name else None


def _answer(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return text or object alone unchanged, else one message of the whole answer."""
    if len(parts) == 1 and parts.keys() & {"text", "object"}:
        return next(iter(parts.values())), True
    fields = {
        "role": "assistant",
        "content": parts.get("text", parts.get("object")),
        "reasoning": parts.get("reasoning"),
        "files": parts.get("files"),
        "tool_calls": parts.get("toolCalls"),
    }
    message = {name: value for name, value in fields.items() if value is not None}
    return message, not ("text" in parts and "object" in parts)


DIALECT: Final = Dialect(
    "vercel_ai",
    scopes=("ai",),
    rules=(
        Rule("kind", "ai.operationId", choice(_CALLS | _WRAPPERS), keep=True),
        Rule("kind", "operation.name", _first_word, keep=True),
        Rule("name", "ai.toolCall.name", text, keep=True),
        Rule("name", "operation.name", _own_name, keep=True),
        Rule("model", "ai.response.model", text),
        Rule("requested_model", "ai.model.id", text),
        Rule("provider", "ai.model.provider", _vendor, keep=True),
        Rule("model_parameters", "ai.settings.*", present, build=as_object),
        Rule(
            "model_parameters", "ai.prompt.toolChoice", present, "toolChoice", as_object, json=True
        ),
        Rule("input", "ai.prompt.messages", present, json=True),
        Rule("input", "ai.prompt", present, json=True),
        Rule("input", "ai.toolCall.args", opened, json=True),
        Rule("input", "ai.value", opened, json=True),
        Rule("input", "ai.values", present),
        Rule("output", "ai.toolCall.result", opened, json=True),
        *(
            Rule("output", f"ai.{side}.{part}", present, part, _answer, json=part != "text")
            for side in ("response", "result")
            for part in ("text", "reasoning", "files", "object", "toolCalls")
        ),
        Rule("output", "ai.embedding", present, json=True),
        Rule("output", "ai.embeddings", present),
        Rule("tools", "ai.prompt.tools", tool_definitions, json=True),
        Rule("finish_reasons", "ai.response.finishReason", texts),
        Rule("finish_reasons", "ai.finishReason", texts),
        *usage_rules("ai.usage."),
        Rule("usage", "ai.model.provider", exclusive, EXCLUSIVE, inclusive_usage, detail=True),
        *(
            rule
            for key in ("ai.response.providerMetadata", "ai.result.providerMetadata")
            for rule in (
                Rule("usage", key, reported, REPORTS, inclusive_usage, json=True, keep=True),
                Rule("usage", key, excludes, EXCLUSIVE, inclusive_usage, json=True, detail=True),
                Rule("cost", key, metadata_cost, json=True, detail=True),
            )
        ),
        Rule("first_token_delay", "ai.response.msToFirstChunk", milliseconds),
        Rule("first_token_delay", "ai.stream.msToFirstChunk", milliseconds),
        Rule(
            "first_token_delay",
            f"{EVENT}ai.stream.firstChunk",
            lambda event: milliseconds(event["attributes"].get("ai.response.msToFirstChunk")),
            keep=True,
        ),
        Rule("trace.user_id", "ai.telemetry.metadata.userId", text, keep=True),
        Rule("trace.session_id", "ai.telemetry.metadata.sessionId", text, keep=True),
        Rule("trace.tags", "ai.telemetry.metadata.tags", names, json=True, keep=True),
        Rule(
            "prompt_name",
            "ai.telemetry.metadata.langfusePrompt",
            value_at("name", parse=text),
            json=True,
            keep=True,
        ),
        Rule(
            "prompt_version",
            "ai.telemetry.metadata.langfusePrompt",
            value_at("version", parse=count),
            json=True,
            keep=True,
        ),
        Rule("metadata", "ai.telemetry.metadata.*", json=True),
    ),
)
