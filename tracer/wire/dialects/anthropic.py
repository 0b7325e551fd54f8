"""Spans of Anthropic's own SDKs and API, https://platform.claude.com/docs/en/api/opentelemetry/spans."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.table import NAME, Dialect, Rule

_CALLS: Final = ("create", "stream", "parse")


def _kind(value: Json) -> str | None:
    """Return the kind of ``anthropic.messages.create``, ``anthropic.tool_use search`` …"""
    method = str(value).partition(" ")[0].removeprefix("anthropic.")
    if method.endswith("tool_use"):
        return "tool"
    noun, _, verb = method.partition(".")
    if noun in ("messages", "completions") and verb in _CALLS:
        return "generation"
    return None


def _echo(value: Json) -> bool | None:
    return True if _kind(value) == "generation" else None


def _tool(value: Json) -> str | None:
    """Return the tool's name in the name of a call's span."""
    method, _, tool = str(value).partition(" ")
    return tool.strip() or None if method.endswith("tool_use") else None


# The other names are OpenTelemetry's, whose conventions these spans follow.
DIALECT: Final = Dialect(
    "anthropic",
    scopes=("com.anthropic.sdk*", "com.anthropic.claude-platform*"),
    rules=(
        Rule("kind", NAME, _kind, scoped=True, late=True),
        Rule("name", NAME, _tool, scoped=True),
        # Sent in addition to the spans of an instrumentation of the same SDK.
        Rule("echo", NAME, _echo, scoped=True, late=True),
    ),
)
