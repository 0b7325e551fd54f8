"""Sentry's SDKs: their own names of GenAI, https://getsentry.github.io/sentry-conventions/attributes/gen_ai/."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    milliseconds,
    objects,
    present,
    seconds,
    text,
    texts,
    tool_definitions,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_cost, inclusive_usage
from tracer.wire.usage.numbers import amount, count

_KINDS: Final = words(
    {
        "generation": "chat completion generate_content generate_text generate_object stream_text "
        "stream_object text_completion request responses messages",
        "agent": "invoke_agent create_agent",
        "tool": "execute_tool",
        "embedding": "embeddings embed embed_many",
        "reranker": "rerank",
        "chain": "handoff pipeline",
    }
)


def _kind(value: Json) -> str | None:
    """Return the kind by the span's operation, such as ``gen_ai.chat``."""
    operation = text(value) or ""
    return _KINDS.get(operation.removeprefix("gen_ai.")) if operation[:7] == "gen_ai." else None


def _text(value: Json) -> Json:
    """Return the answer's text; of a list of one text, that text."""
    return value[0] if isinstance(value, list) and len(value) == 1 else present(value)


def _answer(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return text or object alone unchanged; with tool calls, one message."""
    calls = parts.get("calls")
    content = parts.get("text", parts.get("object"))
    if calls is None:
        return content, len(parts) == 1
    return {"role": "assistant", "content": content, "tool_calls": calls}, len(parts) == 2


DIALECT: Final = Dialect(
    "sentry",
    rules=(
        Rule("kind", "sentry.op", _kind, keep=True),
        Rule("input", "gen_ai.request.messages", present, json=True),
        Rule("input", "gen_ai.embeddings.input", present, json=True),
        Rule("output", "gen_ai.response.text", _text, "text", _answer, json=True),
        Rule("output", "gen_ai.response.object", present, "object", _answer, json=True),
        Rule("output", "gen_ai.response.tool_calls", objects, "calls", _answer, json=True),
        Rule("tools", "gen_ai.request.available_tools", tool_definitions, json=True),
        Rule("first_token_delay", "gen_ai.response.time_to_first_token", seconds),
        # Names before those of OpenTelemetry.
        Rule("model", "ai.model_id", text),
        Rule("input", "ai.input_messages", present, json=True),
        Rule("output", "ai.responses", _text, json=True),
        *(
            Rule("usage", f"ai.{side}_tokens.used", count, side, inclusive_usage)
            for side in ("prompt", "completion", "total")
        ),
        Rule("cost", "ai.total_cost.used", amount, "total", inclusive_cost),
        # Names of the AI SDK, to which Sentry's SDK for JavaScript adds a prefix.
        Rule("input", "vercel.ai.prompt", present, json=True),
        Rule("finish_reasons", "vercel.ai.response.finishReason", texts),
        Rule("first_token_delay", "vercel.ai.response.msToFirstChunk", milliseconds),
        Rule("trace.user_id", "vercel.ai.telemetry.metadata.userId", text, keep=True),
        Rule("trace.session_id", "vercel.ai.telemetry.metadata.sessionId", text, keep=True),
        Rule("metadata", "vercel.ai.telemetry.metadata.*", json=True),
    ),
)
