"""OpenInference, https://github.com/Arize-ai/openinference/tree/main/spec."""

from __future__ import annotations

from typing import Final

from tracer.messages.finish_reasons import finish_reasons
from tracer.records import Json
from tracer.wire.dialects.flat import rebuild
from tracer.wire.dialects.parsers import (
    choice,
    mapping,
    moment,
    names,
    opened,
    present,
    text,
    texts,
    value_at,
)
from tracer.wire.dialects.table import (
    EVENT,
    Build,
    Built,
    Dialect,
    Parse,
    Rule,
)
from tracer.wire.dialects.usage_rules import cost_rules, inclusive_usage, usage_rules

_KINDS: Final = {
    "LLM": "generation",
    "CHAIN": "chain",
    "AGENT": "agent",
    "TOOL": "tool",
    "RETRIEVER": "retriever",
    "RERANKER": "reranker",
    "EMBEDDING": "embedding",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}

_JUDGED: Final = {
    "annotations": "",
    "annotations_of_trace": "trace.",
    "annotations_of_session": "session.",
}


_LITELLM: Final = "openinference.instrumentation.litellm"


def _text_as_cached(parts: dict[str, Json]) -> Built:
    """Build usage from counts in which text tokens have the name of cached ones."""
    names = {"prompt_details.cache_input": "prompt_details.text"}
    return inclusive_usage({names.get(name, name): count for name, count in parts.items()})


def _tools(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the tools' definitions: ``llm.tools.N.tool.json_schema``, else name and parameters."""
    tools, complete = rebuild(parts)
    if not isinstance(tools, list):
        return [], False
    objects = [item for item in tools if isinstance(item, dict)]
    whole = all("json_schema" not in item or len(item) == 1 for item in objects)
    read = [item.get("json_schema", item) for item in objects]
    return read, complete and whole and len(read) == len(tools)


def _payload(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return a value without its quotes, unless its type is text."""
    value = parts.get("value")
    return value if parts.get("type") == "text/plain" else opened(value), True


def _reasons(value: Json) -> list[str] | None:
    """Return the finish reasons in the provider's whole answer."""
    return finish_reasons(value) or None if isinstance(value, (dict, list)) else None


def _untouched(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None


def _messages_from(role: str) -> Parse:
    """Return a parser of texts into messages of ``role``."""

    def parse(value: Json) -> list[Json] | None:
        contents = texts(value)
        return [{"role": role, "content": item} for item in contents] if contents else None

    return parse


def _build_messages_from(role: str) -> Build:
    """Return a function that builds messages from texts at ``N.prompt.text`` or the like."""

    def build(parts: dict[str, Json]) -> tuple[Json, bool]:
        numbered = sorted((name.partition(".")[0].rjust(9), text) for name, text in parts.items())
        complete = all(name.endswith(".text") for name in parts)
        return [{"role": role, "content": text} for _, text in numbered], complete

    return build


DIALECT: Final = Dialect(
    "openinference",
    rules=(
        Rule("kind", "openinference.span.kind", choice(_KINDS)),
        Rule("name", "tool.name", text, keep=True),
        Rule("model", "llm.response.model_name", text),
        # LiteLLM's callback for Arize and Phoenix.
        Rule("model", "llm.response.model", text),
        Rule("model", "llm.model_name", text),
        Rule("model", "embedding.model_name", text),
        Rule("model", "reranker.model_name", text),
        Rule("requested_model", "llm.request.model_name", text),
        Rule("provider", "llm.provider", text),
        Rule("provider", "llm.system", text),
        Rule("model_parameters", "llm.invocation_parameters", mapping, json=True),
        Rule("model_parameters", "embedding.invocation_parameters", mapping, json=True),
        Rule(
            "requested_model",
            "llm.invocation_parameters",
            value_at("model", "model_name", parse=text),
            json=True,
            detail=True,
        ),
        Rule("input", "llm.input_messages.*", build=rebuild),
        Rule("output", "llm.output_messages.*", build=rebuild),
        Rule("input", "llm.prompts", _messages_from("user")),
        Rule("input", "llm.prompts.*", _untouched, build=_build_messages_from("user")),
        Rule("output", "llm.choices.*", _untouched, build=_build_messages_from("assistant")),
        Rule("output", "retrieval.documents.*", build=rebuild),
        Rule("output", "reranker.output_documents.*", build=rebuild),
        Rule("input", "reranker.query", present),
        *(
            Rule(side, key, parse, part, _payload, json=json, keep=json is False, late=True)
            for side in ("input", "output")
            for key, parse, part, json in (
                (f"{side}.value", present, "value", True),
                (f"{side}.mime_type", text, "type", False),
            )
        ),
        Rule("answer_reasons", "output.value", _reasons, json=True, late=True, detail=True),
        Rule("tools", "llm.tools.*", build=_tools, json=True),
        Rule("finish_reasons", "llm.finish_reason", texts),
        Rule("call_id", "llm.response.id", text, keep=True),
        *usage_rules("llm.token_count.", _text_as_cached, scope=_LITELLM),
        *usage_rules("llm.token_count."),
        *cost_rules("llm.cost."),
        Rule("first_token_time", f"{EVENT}First Token Stream Event", moment, keep=True),
        Rule("trace.tags", "tag.tags", names, json=True),
        Rule("metadata", "metadata", mapping, json=True),
        # A score has less content: the annotations also have the annotator and groups.
        *(
            Rule(field, f"{of}{word}.*", build=rebuild, json=True, keep=True)
            for field, of in _JUDGED.items()
            for word in ("annotations", "evaluations")
        ),
    ),
)
