"""OpenTelemetry's GenAI conventions in all their generations, https://opentelemetry.io/docs/specs/semconv/gen-ai/."""

from __future__ import annotations

import re
from typing import Final

from tracer.records import Json
from tracer.wire.dialects import gen_ai_events
from tracer.wire.dialects.parsers import (
    choice,
    constant,
    filled,
    opened,
    present,
    seconds,
    text,
    texts,
    tool_definitions,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule, as_object
from tracer.wire.dialects.usage_rules import (
    INCLUSIVE,
    exclusive_usage,
    inclusive_usage,
    normalised_usage,
    usage_rules,
)
from tracer.wire.usage.metadata import inclusive

_KIND_OF: Final = words(
    {
        "generation": "chat completion text_completion generate_content generate response",
        "embedding": "embeddings embedding",
        "agent": "invoke_agent create_agent agent_step",
        "chain": "invoke_workflow execute_task plan",
        "tool": "execute_tool",
        "retriever": "retrieval search_memory",
        "reranker": "rerank",
    }
)

# Names for a span's kind that come without an operation.
_SPAN_KINDS: Final = words(
    {
        "generation": "llm",
        "embedding": "embedding",
        "agent": "agent",
        "chain": "chain workflow task step",
        "tool": "tool",
        "retriever": "retriever",
        "reranker": "reranker",
    }
)
_TYPES: Final = words({"generation": "ai_client", "agent": "agent", "tool": "tool"})

_EXCLUSIVE: Final = "opentelemetry.instrumentation.botocore*"
"""Sends Bedrock's counts unchanged: the input excludes cached tokens."""
_NORMALISING: Final = (
    "opentelemetry.instrumentation.anthropic*",
    "opentelemetry.instrumentation.langchain*",
)
"""Add cached tokens to the input under Anthropic's names."""


_NO_PARAMETER: Final = re.compile(
    r"(?:(?:input_)?messages|prompt|input|contents|system(?:_prompt|_instructions)?|instructions"
    r"|(?:extra_)?headers|tools|functions|tool_definitions|user)(?:\..*)?"
    r"|(?:.*[._])?(?:id|tools|functions)",
    re.IGNORECASE,
)
"""Names below ``gen_ai.request.`` that are no parameters: messages, tools, headers, ids."""


def _span_kind(value: Json) -> str | None:
    return _SPAN_KINDS.get(value.lower()) if isinstance(value, str) else None


def _messages(value: Json) -> Json:
    return value or None if type(value) is list else filled(opened(value))


_NO_MODELS: Final = frozenset((None, "", "none", "unknown", "undefined"))


def _is_cached(name: str) -> bool:
    return "cache" in name


def model_name(value: Json) -> str | None:
    """Return a model's name; None: a word for no model."""
    name = value.strip() if type(value) is str else text(value)
    return None if name in _NO_MODELS else name


def conversation(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the messages after the system's instructions, unless the messages have those."""
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
        # Several operations have one kind, so the operation's name is kept.
        Rule("kind", "gen_ai.operation.name", choice(_KIND_OF), keep=True),
        Rule("kind", "gen_ai.span.kind", _span_kind, keep=True, late=True),
        Rule("kind", "gen_ai.operation.type", choice(_TYPES), keep=True, late=True),
        Rule("kind", "gen_ai.tool.name", constant("tool"), keep=True, late=True),
        Rule("kind", "gen_ai.tool.call.id", constant("tool"), keep=True, late=True),
        # Strands' span around one call of the model and the tools that the model asked for.
        Rule("kind", "event_loop.cycle_id", constant("chain"), keep=True, late=True),
        Rule("name", "gen_ai.tool.name", text, keep=True),
        Rule("model", "gen_ai.response.model", model_name),
        Rule("requested_model", "gen_ai.request.model", model_name),
        Rule("provider", "gen_ai.provider.name", text),
        Rule("provider", "gen_ai.system", text),
        Rule(
            "model_parameters", "gen_ai.request.*", present, build=as_object, excluded=_NO_PARAMETER
        ),
        # Messages of a tool's span only wrap the arguments and the result.
        Rule("input", "gen_ai.tool.call.arguments", opened, json=True),
        Rule("output", "gen_ai.tool.call.result", opened, json=True),
        Rule("input", "gen_ai.input.messages", _messages, "messages", conversation, json=True),
        Rule("input", "gen_ai.request.messages", _messages, "messages", conversation, json=True),
        Rule("input", "gen_ai.system_instructions", filled, "system", conversation, json=True),
        Rule("input", "gen_ai.retrieval.query.text", present),
        Rule("input", "gen_ai.memory.query.text", present),
        Rule("output", "gen_ai.output.messages", _messages, json=True),
        Rule("output", "gen_ai.retrieval.documents", opened, json=True),
        Rule("output", "gen_ai.memory.records", opened, json=True),
        Rule("input", "gen_ai.prompt", opened, json=True),
        Rule("output", "gen_ai.completion", opened, json=True),
        Rule("call_id", "gen_ai.response.id", text, keep=True),
        *usage_rules("gen_ai.usage.", exclusive_usage, scope=_EXCLUSIVE),
        *(
            rule
            for scope in _NORMALISING
            for rule in usage_rules("gen_ai.usage.", normalised_usage, scope=scope)
        ),
        *usage_rules("gen_ai.usage."),
        *(
            Rule(
                "usage",
                key,
                inclusive,
                INCLUSIVE,
                inclusive_usage,
                late=True,
                detail=True,
                known=_is_cached,
            )
            for key in ("gen_ai.provider.name", "gen_ai.system")
        ),
        Rule("tools", "gen_ai.tool.definitions", tool_definitions, json=True),
        Rule("tools", "gen_ai.agent.tools", tool_definitions, json=True),
        Rule("finish_reasons", "gen_ai.response.finish_reasons", texts, json=True),
        Rule("first_token_delay", "gen_ai.response.time_to_first_chunk", seconds),
        Rule("first_token_delay", "gen_ai.client.operation.time_to_first_chunk", seconds),
        Rule("first_token_delay", "gen_ai.server.time_to_first_token", seconds),
        Rule("prompt_name", "gen_ai.prompt.name", text),
        *gen_ai_events.RULES,
        Rule("trace.session_id", "gen_ai.conversation.id", text, keep=True, late=True),
    ),
    events=(
        "gen_ai.client.inference.operation.details",
        # Until 1.27 these two contained the texts.
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
    ),
)
