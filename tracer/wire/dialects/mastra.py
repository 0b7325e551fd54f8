"""Mastra's exporters of OpenTelemetry, https://mastra.ai/docs/observability/tracing/exporters/otel."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    micros,
    names,
    opened,
    text,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule

_KINDS: Final = words(
    {
        "agent": "agent_run",
        "generation": "model_generation model_inference llm_generation",
        "tool": "tool_call mcp_tool_call client_tool_call provider_tool_call mcp_server_request",
        "chain": "workflow_run workflow_step workflow_conditional workflow_conditional_eval "
        "workflow_parallel workflow_loop model_step processor_run rag_ingestion rag_action "
        "graph_action skill_action skill_resolution",
        "evaluator": "scorer_run scorer_step classifier_evaluation",
        "embedding": "rag_embedding",
        "database": "rag_vector_operation",
        "event": "agent_signal",
        "span": "generic mapping memory_operation model_chunk llm_chunk workspace_action "
        "workflow_sleep workflow_wait_event",
    }
)
# A span for each chunk of a stream, useful only for debugging.
_LEVELS: Final = {"model_chunk": "debug", "llm_chunk": "debug"}
# The AI SDK adds the API to the provider's name: openai.responses.
_APIS: Final = frozenset(("chat", "completion", "responses", "messages", "generative-ai"))


def _vendor(value: Json) -> str | None:
    name = text(value) or ""
    vendor, _, api = name.rpartition(".")
    return (vendor if api in _APIS else name) or None


DIALECT: Final = Dialect(
    "mastra",
    scopes=("@mastra/*",),
    rules=(
        Rule("kind", "mastra.span.type", choice(_KINDS), keep=True),
        Rule("level_hint", "mastra.span.type", choice(_LEVELS), keep=True),
        *(
            Rule(side, f"mastra.{kind}.{side}", opened, json=True)
            for kind in _KINDS
            for side in ("input", "output")
        ),
        Rule("provider", "gen_ai.provider.name", _vendor, scoped=True),
        Rule("first_token_time", "mastra.completion_start_time", micros),
        Rule("trace.user_id", "mastra.metadata.userId", text, keep=True),
        Rule("trace.session_id", "mastra.metadata.sessionId", text, keep=True),
        Rule("trace.tags", "mastra.tags", names, json=True),
        Rule("metadata", "mastra.metadata.*", json=True),
    ),
)
