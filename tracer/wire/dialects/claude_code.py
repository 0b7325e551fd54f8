"""Claude Code and the Agent SDK, https://code.claude.com/docs/en/monitoring-usage."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    choice,
    constant,
    count,
    error_if,
    milliseconds,
    present,
    text,
    texts,
    words,
)
from tracer.wire.dialects.table import (
    EVENT,
    NAME,
    Dialect,
    Rule,
    as_object,
)
from tracer.wire.dialects.usage_rules import exclusive_usage

_KINDS: Final = words(
    {
        "agent": "interaction",
        "generation": "llm_request",
        "tool": "tool",
        "span": "tool.execution tool.blocked_on_user hook",
    }
)
_FULL: Final = {f"claude_code.{word}": kind for word, kind in _KINDS.items()}

_COUNTS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")

_REDACTED: Final = ("<REDACTED>", "__REDACTED__", "[REDACTED]")


def _unredacted(value: Json) -> Json:
    """Return any value that is not redacted."""
    return None if value in _REDACTED else present(value)


def _named(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return the tool's name for its call, not for the waiting and running below it."""
    name = parts.get("name", "")
    return parts["tool"] if name == "claude_code.tool" and "tool" in parts else name, True


def _tool_output(event: Json) -> Json:
    values = {
        name: item for name, item in event["attributes"].items() if _unredacted(item) is not None
    }
    return next(iter(values.values())) if len(values) == 1 else values or None


DIALECT: Final = Dialect(
    "claude_code",
    scopes=("com.anthropic.claude_code*",),
    rules=(
        # The plug-in of Laminar, which reads the transcripts of Claude Code.
        Rule("kind", "claude_code.tool.name", constant("tool"), keep=True),
        Rule("name", "claude_code.tool.name", text, keep=True),
        Rule("kind", "claude_code.subagent.type", constant("agent"), keep=True),
        Rule("kind", "span.type", choice(_KINDS | _FULL), keep=True, scoped=True),
        Rule("kind", "span.type", choice(_FULL), keep=True),
        Rule("kind", NAME, choice(_FULL)),
        Rule("name", NAME, text, "name", _named, scoped=True),
        Rule("name", "tool_name", text, "tool", _named, keep=True, scoped=True),
        Rule("model", "model", text, scoped=True),
        *(Rule("usage", name, count, name, exclusive_usage, scoped=True) for name in _COUNTS),
        Rule("first_token_delay", "ttft_ms", milliseconds, scoped=True),
        Rule("finish_reasons", "stop_reason", texts, scoped=True),
        Rule("input", "user_prompt", _unredacted, scoped=True),
        Rule("input", "new_context", _unredacted, scoped=True, json=True),
        Rule("input", "tool_input", _unredacted, scoped=True, json=True),
        *(
            Rule("input", name, _unredacted, name, as_object, scoped=True)
            for name in ("full_command", "file_path", "skill_name", "subagent_type")
        ),
        Rule("output", "response.model_output", _unredacted, json=True, scoped=True),
        Rule("output", f"{EVENT}tool.output", _tool_output, scoped=True),
        Rule("status_message", "error", text, scoped=True),
        Rule("level", "success", error_if(False, "false"), keep=True, scoped=True),
    ),
)
