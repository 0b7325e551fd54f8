"""OpenTelemetry's GenAI conventions since 1.37, https://opentelemetry.io/docs/specs/semconv/gen-ai/."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.table import (
    Dialect,
    Rule,
    amount,
    as_object,
    choice,
    constant,
    inclusive_cost,
    objects,
    present,
    text,
    texts,
    usage_rules,
)

_OPERATIONS: Final = {
    "generation": ("chat", "completion", "text_completion", "generate_content", "generate"),
    "embedding": ("embeddings",),
    "agent": ("invoke_agent", "create_agent"),
    "chain": ("invoke_workflow",),
    "tool": ("execute_tool",),
    "retriever": ("retrieval",),
    "reranker": ("rerank",),
}
_KIND_OF: Final = {word: kind for kind, words in _OPERATIONS.items() for word in words}


def _seconds(value: Json) -> int | None:
    number = amount(value)
    return int(number * 1_000_000) if number is not None and number < 10**9 else None


def _messages(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the messages, the system's instructions before them unless they are there."""
    system, messages = parts.get("system"), parts.get("messages")
    if system is None:
        return messages, True
    first = {"role": "system", "parts" if isinstance(system, list) else "content": system}
    if messages is None:
        return [first], True
    if not isinstance(messages, list):
        return messages, False
    if any(isinstance(message, dict) and message.get("role") == "system" for message in messages):
        return messages, False
    return [first, *messages], True


DIALECT: Final = Dialect(
    "gen_ai",
    rules=(
        # One kind has many operations, so the operation's own name is kept.
        Rule("kind", "gen_ai.operation.name", choice(_KIND_OF), keep=True),
        Rule("kind", "gen_ai.tool.name", constant("tool"), keep=True, late=True),
        Rule("kind", "gen_ai.tool.call.id", constant("tool"), keep=True, late=True),
        Rule("model", "gen_ai.response.model", text),
        Rule("requested_model", "gen_ai.request.model", text),
        Rule("provider", "gen_ai.provider.name", text),
        Rule("provider", "gen_ai.system", text),
        Rule("model_parameters", "gen_ai.request.*", present, build=as_object),
        Rule("input", "gen_ai.input.messages", present, "messages", _messages, json=True),
        Rule("input", "gen_ai.system_instructions", present, "system", _messages, json=True),
        Rule("input", "gen_ai.tool.call.arguments", present, json=True),
        Rule("input", "gen_ai.retrieval.query.text", present),
        Rule("output", "gen_ai.output.messages", present, json=True),
        Rule("output", "gen_ai.tool.call.result", present, json=True),
        Rule("output", "gen_ai.retrieval.documents", present, json=True),
        Rule("input", "gen_ai.prompt", present, json=True),
        Rule("output", "gen_ai.completion", present, json=True),
        *usage_rules("gen_ai.usage."),
        Rule("cost", "gen_ai.usage.cost", amount, "total", inclusive_cost),
        Rule("tools", "gen_ai.tool.definitions", objects, json=True),
        Rule("finish_reasons", "gen_ai.response.finish_reasons", texts, json=True),
        Rule("first_token_delay", "gen_ai.response.time_to_first_chunk", _seconds),
        Rule("prompt_name", "gen_ai.prompt.name", text),
        Rule("trace.session_id", "gen_ai.conversation.id", text, keep=True, late=True),
    ),
    events=(
        "gen_ai.client.inference.operation.details",
        # Until 1.27 these two held the texts.
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
    ),
)
