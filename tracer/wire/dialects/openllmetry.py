"""OpenLLMetry (Traceloop), https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions."""

from __future__ import annotations

import re
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.flat import rebuild
from tracer.wire.dialects.parsers import (
    choice,
    constant,
    count,
    mapping,
    moment,
    opened,
    present,
    text,
    texts,
    words,
)
from tracer.wire.dialects.table import (
    EVENT,
    Dialect,
    Rule,
    as_object,
    in_order,
)
from tracer.wire.dialects.usage_rules import usage_rules

_REQUESTS: Final = words(
    {"generation": "chat completion", "embedding": "embedding", "reranker": "rerank"}
)
_SPANS: Final = words({"chain": "workflow task", "agent": "agent", "tool": "tool"})

_OF_TEMPLATE: Final = re.compile(r"(?:variables?|id|hash|template)(?:\..*)?")
"""Names below ``gen_ai.prompt.`` that describe a template, and are no messages."""

_ASSOCIATED: Final = "traceloop.association.properties."

_PARAMETERS: Final = {
    "llm.top_k": "top_k",
    "llm.temperature": "temperature",
    "llm.frequency_penalty": "frequency_penalty",
    "llm.presence_penalty": "presence_penalty",
    "llm.chat.stop_sequences": "stop_sequences",
    "llm.request.repetition_penalty": "repetition_penalty",
    "llm.is_streaming": "stream",
    "gen_ai.is_streaming": "stream",
}

_SEARCHED: Final = (
    "db.vector.query.top_k",
    "db.chroma.query.n_results",
    "db.pinecone.query.top_k",
    "pinecone.query.top_k",
    "db.milvus.search.limit",
    "db.milvus.query.limit",
    "db.qdrant.query_batch.requests_count",
    "qdrant.search.limit",
)
"""Attributes of searches in vector databases, whose spans are retrievers."""


def _reasons(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the finish reason of each completion."""
    return [
        reason
        for name, reason in parts.items()
        if name.endswith(".finish_reason") and isinstance(reason, str) and reason
    ], True


def _search_result(event: Json) -> dict[str, Json] | None:
    """Return a search result without the prefix of its names."""
    attributes: dict[str, Json] = event["attributes"]
    short = {name.removeprefix(f"{event['name']}."): attributes[name] for name in attributes}
    # Names that differ only in the prefix keep it.
    return mapping(short if len(short) == len(attributes) else attributes)


DIALECT: Final = Dialect(
    "openllmetry",
    rules=(
        Rule("kind", "llm.request.type", choice(_REQUESTS), keep=True),
        Rule("kind", "traceloop.span.kind", choice(_SPANS), keep=True),
        Rule("input", "gen_ai.prompt.*", build=rebuild, json=True, excluded=_OF_TEMPLATE),
        Rule("output", "gen_ai.completion.*", build=rebuild, json=True),
        Rule("finish_reasons", "gen_ai.completion.*", build=_reasons, late=True, detail=True),
        Rule("prompt_name", "gen_ai.prompt.name", text),
        Rule("prompt_name", "traceloop.prompt.key", text),
        Rule("prompt_version", "gen_ai.prompt.version", count),
        Rule("prompt_version", "traceloop.prompt.version", count),
        Rule("tools", "llm.request.functions.*", build=rebuild, json=True),
        Rule("finish_reasons", "llm.response.finish_reason", texts),
        Rule("finish_reasons", "llm.response.stop_reason", texts),
        Rule("finish_reasons", "gen_ai.response.finish_reason", texts),
        Rule("finish_reasons", "gen_ai.response.stop_reason", texts),
        *usage_rules("llm.usage."),
        *(
            Rule("model_parameters", key, present, name, as_object)
            for key, name in _PARAMETERS.items()
        ),
        *(Rule("kind_hint", key, constant("retriever"), keep=True) for key in _SEARCHED),
        Rule("output", f"{EVENT}db.query.result", _search_result, build=in_order),
        Rule("output", f"{EVENT}db.search.result", _search_result, build=in_order),
        Rule("first_token_time", f"{EVENT}gen_ai.content.completion.chunk", moment, keep=True),
        Rule("trace.user_id", f"{_ASSOCIATED}user_id", text, keep=True),
        *(
            Rule("trace.session_id", _ASSOCIATED + name, text, keep=True)
            for name in ("session_id", "thread_id", "conversation_id", "chat_id")
        ),
        Rule("trace.user_id", "llm.user", text, keep=True),
        Rule("trace.user_id", "gen_ai.user", text, keep=True),
        Rule("metadata", f"{_ASSOCIATED}*", json=True),
        Rule("input", "gen_ai.task.input", opened, json=True, late=True),
        Rule("output", "gen_ai.task.output", opened, json=True, late=True),
        Rule("input", "traceloop.entity.input", opened, json=True, late=True),
        Rule("output", "traceloop.entity.output", opened, json=True, late=True),
    ),
)
