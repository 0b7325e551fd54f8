"""Haystack's own tracer, https://docs.haystack.deepset.ai/docs/tracing."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    error_if,
    mapping,
    objects,
    present,
    text,
    texts,
    value_at,
    words,
)
from tracer.wire.dialects.table import NAME, Dialect, Rule
from tracer.wire.dialects.usage_rules import named_usage

_KINDS: Final = words(
    {
        "chain": "haystack.pipeline.run haystack.async_pipeline.run haystack.agent.step",
        "agent": "haystack.agent.run",
        "generation": "haystack.agent.step.llm",
        "tool": "haystack.agent.step.tool",
    }
)
_COMPONENTS: Final = {
    "Generator": "generation",
    "Retriever": "retriever",
    "Embedder": "embedding",
    "Ranker": "reranker",
    "Evaluator": "evaluator",
    "ToolInvoker": "tool",
    "Agent": "chain",
}
"""Kinds by the suffix of a component's class; an agent's span is below its component's."""

_ANSWERS: Final = ("haystack.component.output", "haystack.agent.step.llm.output")
"""Outputs of generators: ``replies`` with what the provider returned about each in ``meta``."""


def _part(part: Json) -> Json:
    """Return a part of a message with the usual names; in Haystack its key is its type."""
    if not isinstance(part, dict) or len(part) != 1:
        return part
    [(key, value)] = part.items()
    if key == "reasoning" and isinstance(value, dict):
        return {"type": "reasoning", "text": value.get("reasoning_text")}
    if key == "tool_call" and isinstance(value, dict):
        names = {"id": "id", "name": "tool_name", "arguments": "arguments"}
        return {"type": "tool_call", **{name: value.get(of) for name, of in names.items()}}
    if key == "tool_call_result" and isinstance(value, dict):
        call = mapping(value.get("origin")) or {}
        ids = {"id": call.get("id"), "name": call.get("tool_name")}
        return {"type": "tool_result", **ids, "content": value.get("result")}
    return part


def _message(message: Json) -> Json:
    if isinstance(message, dict) and "_role" in message:
        # Until 2.11 all names began with an underscore.
        message = {name.removeprefix("_"): value for name, value in message.items()}
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return message
    return {**message, "content": [_part(part) for part in message["content"]]}


def _messages(value: Json) -> Json:
    """Return an input or output with messages or replies in the usual form."""
    if not isinstance(value, dict):
        return present(value)
    read = {
        name: [_message(item) for item in value[name]]
        for name in ("messages", "replies")
        if isinstance(value.get(name), list)
    }
    # Replies of generators without chat are texts.
    if value.keys() <= {"replies"} and objects(value.get("replies")):
        return read["replies"]
    return {**value, **read} or None


def _component(value: Json) -> str | None:
    name = text(value) or ""
    return next((kind for end, kind in _COMPONENTS.items() if name.endswith(end)), None)


def _tools(value: Json) -> list[Json] | None:
    """Return the tools' definitions, without the class around each."""
    return [tool.get("data", tool) for tool in objects(value) or []] or None


def _about_answer(name: str) -> tuple[str, str]:
    """Return the paths of a detail in chat messages and in plain answers."""
    return f"replies.0.meta.{name}", f"meta.0.{name}"


DIALECT: Final = Dialect(
    "haystack",
    scopes=("haystack*",),
    rules=(
        Rule("kind", NAME, choice(_KINDS)),
        Rule("kind", "haystack.component.type", _component, keep=True),
        Rule("name", "haystack.component.name", text, keep=True),
        Rule("name", "haystack.tool.name", text, keep=True),
        Rule("level", "haystack.tool.error", error_if(True), keep=True),
        Rule("input", "haystack.pipeline.input_data", present, json=True),
        Rule("output", "haystack.pipeline.output_data", present, json=True),
        *(
            Rule(side, f"haystack.{of}.{side}", _messages, json=True)
            for of in ("component", "agent", "agent.step.llm", "agent.step.tool")
            for side in ("input", "output")
        ),
        *(
            Rule(field, key, value_at(*_about_answer(name), parse=parse), json=True, detail=True)
            for key in _ANSWERS
            for field, name, parse in (
                ("model", "model", text),
                ("usage", "usage", named_usage),
                ("finish_reasons", "finish_reason", texts),
            )
        ),
        *(
            Rule("tools", key, value_at("tools", parse=_tools), json=True, detail=True)
            for key in ("haystack.component.input", "haystack.agent.step.llm.input")
        ),
    ),
)
