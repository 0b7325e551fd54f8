"""LangSmith's OpenTelemetry export, https://docs.langchain.com/langsmith/trace-with-opentelemetry."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.parsers import (
    choice,
    mapping,
    names,
    objects,
    present,
    text,
    texts,
    value_at,
    words,
)
from tracer.wire.dialects.table import Dialect, Rule, as_object
from tracer.wire.dialects.usage_rules import inclusive_usage, object_cost

_KINDS: Final = words(
    {
        "generation": "llm",
        "embedding": "embedding",
        "chain": "chain prompt parser",
        "tool": "tool",
        "retriever": "retriever",
    }
)

_METADATA: Final = "langsmith.metadata."

# LangChain's answer: a list of choices for each prompt; there is one prompt.
_FIRST: Final = "generations.0.0"
_SERVED: Final = (
    f"{_FIRST}.message.kwargs.response_metadata.model_name",
    f"{_FIRST}.message.response_metadata.model_name",
    f"{_FIRST}.generation_info.model_name",
    "llm_output.model_name",
)
_ENDED: Final = (
    f"{_FIRST}.generation_info.finish_reason",
    f"{_FIRST}.generation_info.stop_reason",
    f"{_FIRST}.message.kwargs.response_metadata.finish_reason",
    f"{_FIRST}.message.kwargs.response_metadata.stop_reason",
)

DIALECT: Final = Dialect(
    "langsmith",
    scopes=("langsmith",),
    rules=(
        # It has more kinds than the operation's name.
        Rule("kind", "langsmith.span.kind", choice(_KINDS)),
        Rule("name", "langsmith.trace.name", text, keep=True),
        Rule(
            "usage",
            f"{_METADATA}usage_metadata",
            mapping,
            "usage_metadata",
            inclusive_usage,
            json=True,
            keep=True,
        ),
        Rule("cost", f"{_METADATA}usage_metadata", object_cost, json=True, detail=True),
        Rule("model_parameters", f"{_METADATA}ls_temperature", present, "temperature", as_object),
        Rule("model_parameters", f"{_METADATA}ls_max_tokens", present, "max_tokens", as_object),
        Rule("model_parameters", "langsmith.request.streaming", present, "stream", as_object),
        *(
            Rule(field, "gen_ai.completion", parse, json=True, scoped=True, detail=True)
            for field, parse in (
                ("model", value_at(*_SERVED, parse=text)),
                ("finish_reasons", value_at(*_ENDED, parse=texts)),
            )
        ),
        Rule("requested_model", f"{_METADATA}ls_model_name", text, keep=True, late=True),
        Rule("provider", f"{_METADATA}ls_provider", text, keep=True),
        Rule("tools", "langsmith.tools", objects, json=True),
        Rule("trace.user_id", f"{_METADATA}user_id", text, keep=True),
        *(
            Rule("trace.session_id", _METADATA + name, text, keep=True)
            for name in ("session_id", "thread_id", "conversation_id")
        ),
        # LangSmith also calls its project a session, so a thread has precedence.
        Rule("trace.session_id", "langsmith.trace.session_id", text, keep=True, late=True),
        Rule("trace.tags", "langsmith.span.tags", names, json=True, keep=True),
        Rule("metadata", "langsmith.metadata", mapping, json=True),
        Rule("metadata", f"{_METADATA}*", json=True),
    ),
)
