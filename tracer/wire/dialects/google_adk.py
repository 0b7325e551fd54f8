"""Google's Agent Development Kit, which Vertex AI's agents run on, https://google.github.io/adk-docs/observability/."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    mapping,
    objects,
    opened,
    present,
    text,
    value_at,
    words,
)
from tracer.wire.dialects.table import (
    NAME,
    OBJECT,
    Dialect,
    Rule,
)
from tracer.wire.dialects.usage_rules import own_usage

_REQUEST: Final = "gcp.vertex.agent.llm_request"
_RESPONSE: Final = "gcp.vertex.agent.llm_response"
_COUNTS: Final = value_at("usage_metadata", "usageMetadata", parse=mapping)

# Until 1.15 only the name identified the kind.
_KINDS: Final = words(
    {
        "chain": "invocation",
        "agent": "agent_run invoke_agent",
        "generation": "call_llm",
        "tool": "execute_tool",
    }
)


# The kits for JavaScript and Java use Gemini's spelling, the kit for Python another.
_INSTRUCTIONS: Final = ("system_instruction", "systemInstruction")
_DECLARED: Final = value_at("function_declarations", "functionDeclarations", parse=objects)


def _kind(name: Json) -> str | None:
    """Return the kind of ``agent_run [planner]``, ``execute_tool search`` …"""
    return _KINDS.get(str(name).partition(" ")[0])


def _request(value: Json) -> Json:
    """Return a request with its instructions beside the contents, as in Gemini's API."""
    if not isinstance(value, dict):
        return present(value)
    config = mapping(value.get("config")) or {}
    name = next((name for name in _INSTRUCTIONS if config.get(name)), None)
    if name is None:
        return value or None
    rest = {key: item for key, item in config.items() if key != name}
    return {**value, "config": rest, name: config[name]}


def _parameters(config: Json) -> dict[str, Json] | None:
    apart = (*_INSTRUCTIONS, "tools")
    settings = mapping(config) or {}
    return {name: value for name, value in settings.items() if name not in apart} or None


def _tools(groups: Json) -> list[Json] | None:
    """Return the declared functions and the other tools: search, code …"""
    tools: list[Json] = []
    for group in objects(groups) or []:
        declared = _DECLARED(group)
        tools += declared if declared else [group]
    return tools or None


def _reasons(reason: Json) -> list[str] | None:
    word = text(reason)
    return [word.lower()] if word else None


DIALECT: Final = Dialect(
    "google_adk",
    scopes=("gcp.vertex.agent",),
    rules=(
        Rule("kind", NAME, _kind, scoped=True, late=True),
        Rule("model", _RESPONSE, value_at("model_version", "modelVersion", parse=text), json=True),
        Rule("model_parameters", _REQUEST, value_at("config", parse=_parameters), json=True),
        Rule("tools", _REQUEST, value_at("config.tools", parse=_tools), json=True),
        Rule("input", _REQUEST, _request, json=True),
        Rule("output", _RESPONSE, lambda value: present(value) or None, json=True),
        Rule(
            "finish_reasons",
            _RESPONSE,
            value_at("finish_reason", "finishReason", parse=_reasons),
            json=True,
        ),
        # Its counts are more exact than the attributes derived from them.
        Rule("usage", _RESPONSE, _COUNTS, OBJECT, own_usage, json=True, scoped=True, detail=True),
        Rule("input", "gcp.vertex.agent.tool_call_args", opened, json=True),
        Rule("output", "gcp.vertex.agent.tool_response", opened, json=True),
        Rule("input", "gcp.vertex.agent.data", opened, json=True),
        Rule("trace.session_id", "gcp.vertex.agent.session_id", text, keep=True, late=True),
    ),
)
