"""LiveKit Agents, a framework for voice agents, https://docs.livekit.io/agents/."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    error_if,
    objects,
    opened,
    present,
    seconds,
    text,
    tool_definitions,
    value_at,
    words,
)
from tracer.wire.dialects.table import NAME, OBJECT, Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_usage
from tracer.wire.usage.names import counts

_KINDS: Final = words(
    {
        "agent": "agent_turn start_agent_activity agent_session",
        "tool": "function_tool",
        "generation": "llm_request",
        "chain": "llm_node stt_node tts_node user_turn",
        "evaluator": "judge_evaluation",
    }
)

# Internal spans of the framework, useful only for debugging.
_PLUMBING: Final = words(
    {
        "debug": "agent_speaking user_speaking eou_detection drain_agent_activity "
        "pause_agent_activity resume_agent_activity on_enter on_exit job_entrypoint "
        "realtime_metrics"
    }
)
# Only the metrics have the cached tokens of a call, and in older versions its first token.
_METRICS: Final = ("lk.llm_metrics", "lk.realtime_model_metrics")
# Attempts and adapters around a request, which has a span of its own.
_WRAPPER: Final = re.compile(r"(?:llm|stt|tts)_(?:request_run|\w*adapter)")


@lru_cache(maxsize=100)
def _level(name: str) -> str | None:
    return _PLUMBING.get(name) or ("debug" if _WRAPPER.fullmatch(name) else None)


def _answer(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return a text alone unchanged, else one message with the tool calls."""
    calls = parts.get("calls")
    if calls is None:
        return parts["text"], True
    return {"role": "assistant", "content": parts.get("text"), "tool_calls": calls}, True


def _counts(metrics: Json) -> dict[str, Json] | None:
    """Return the counts of tokens in the metrics of a call, which are more than the attributes."""
    named = metrics.items() if isinstance(metrics, dict) else ()
    return {name: value for name, value in named if counts(name)} or None


def _content(name: str) -> tuple[str, str]:
    """Return both spellings of an attribute; the newer one has a marker for its removal."""
    return f"lk.pii.{name}", f"lk.{name}"


DIALECT: Final = Dialect(
    "livekit",
    scopes=("livekit-agents",),
    rules=(
        Rule("kind", NAME, choice(_KINDS), scoped=True),
        Rule("level", "lk.function_tool.is_error", error_if(True), keep=True),
        Rule("level_hint", NAME, _level, scoped=True),
        Rule("name", "lk.function_tool.name", text, keep=True),
        *(
            Rule("input", key, present, json=True)
            for name in (
                "input_text",
                "user_transcript",
                "user_input",
                "chat_ctx",
            )
            for key in _content(name)
        ),
        *(Rule("input", key, opened, json=True) for key in _content("function_tool.arguments")),
        *(Rule("output", key, present, json=True) for key in _content("function_tool.output")),
        *(Rule("output", key, present, "text", _answer) for key in _content("response.text")),
        *(
            Rule("output", key, objects, "calls", _answer, json=True)
            for key in _content("response.function_calls")
        ),
        Rule("tools", "lk.function_tools", tool_definitions, json=True),
        Rule("first_token_delay", "lk.response.ttft", seconds),
        Rule("first_token_delay", "lk.response.ttfb", seconds),
        *(
            Rule(field, key, parse, part, build, json=True, late=part is None, detail=True)
            for key in _METRICS
            for field, parse, part, build in (
                ("usage", _counts, OBJECT, inclusive_usage),
                ("requested_model", value_at("metadata.model_name", parse=text), None, None),
                ("provider", value_at("metadata.model_provider", parse=text), None, None),
                ("first_token_delay", value_at("ttft", parse=seconds), None, None),
            )
        ),
    ),
)
