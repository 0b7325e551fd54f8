"""MLflow's tracing, as its OTLP export sends it: https://mlflow.org/docs/latest/genai/tracing/."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer import exact_json
from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    count,
    mapping,
    moment,
    objects,
    opened,
    present,
    quoted,
    text,
    words,
)
from tracer.wire.dialects.table import (
    EVENT,
    OBJECT,
    Dialect,
    Rule,
    as_object,
)
from tracer.wire.dialects.usage_rules import inclusive_usage, object_rules, own_cost

# All values are JSON text, including strings.
_KINDS: Final = words(
    {
        "generation": "LLM CHAT_MODEL",
        "embedding": "EMBEDDING",
        "agent": "AGENT",
        "chain": "CHAIN WORKFLOW TASK PARSER",
        "tool": "TOOL",
        "retriever": "RETRIEVER",
        "reranker": "RERANKER",
        "guardrail": "GUARDRAIL",
        "evaluator": "EVALUATOR",
        "span": "MEMORY",
    }
)

_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "stream",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "tool_choice",
    "response_format",
    "reasoning_effort",
)


def decoded_scalar(value: Json) -> Json:
    """Return the number, boolean or string of a JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return exact_json.decode(value)
    except (msgspec.DecodeError, UnicodeError):
        return present(value)


def _level(value: Json) -> str | None:
    """Return the level of a severity number of Python's logging."""
    number = count(value)
    if not number:
        return None
    words = ((40, "error"), (30, "warning"), (20, "default"), (0, "debug"))
    return next(word for least, word in words if number >= least)


DIALECT: Final = Dialect(
    "mlflow",
    scopes=("mlflow*",),
    rules=(
        Rule("kind", "mlflow.spanType", quoted(choice(_KINDS)), keep=True),
        Rule("input", "mlflow.spanInputs", opened, json=True),
        Rule("output", "mlflow.spanOutputs", opened, json=True),
        Rule("cost", "mlflow.llm.cost", mapping, OBJECT, own_cost, json=True),
        *object_rules("mlflow.chat.tokenUsage", inclusive_usage),
        *object_rules("usage", inclusive_usage, scoped=True),
        Rule("model", "mlflow.llm.model", quoted(text)),
        Rule("requested_model", "model", quoted(text), scoped=True),
        Rule("model", "model", quoted(text), late=True, scoped=True, detail=True),
        Rule("provider", "mlflow.llm.provider", quoted(text)),
        Rule("tools", "mlflow.chat.tools", objects, json=True),
        Rule("tools", "tools", objects, json=True, scoped=True),
        Rule("first_token_time", f"{EVENT}mlflow.chunk.item.0", moment, keep=True),
        Rule("level", "mlflow.spanLogLevel", _level, keep=True),
        *(
            Rule("model_parameters", name, decoded_scalar, name, as_object, json=True, scoped=True)
            for name in _PARAMETERS
        ),
        Rule("trace.user_id", "mlflow.trace.user", quoted(text), keep=True),
        Rule("trace.session_id", "mlflow.trace.session", quoted(text), keep=True),
        Rule("metadata", "mlflow.traceTag.*", keep=True),
    ),
)
