"""Flue's own attributes, before it took OpenTelemetry's: turns, tools, tasks, workflows."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import (
    constant,
    objects,
    opened,
    present,
    text,
    value_at,
)
from tracer.wire.dialects.table import Dialect, Rule

_INPUTS: Final = ("tool.arguments", "task.prompt", "workflow.payload")
_OUTPUTS: Final = ("tool.result", "task.result", "operation.result", "workflow.result")


def _part(part: Json) -> Json:
    if isinstance(part, dict) and part.get("type") == "toolCall":
        return {**part, "type": "tool_call"}
    return part


def _message(message: Json) -> Json:
    """Return a message with tool calls and results under their usual names."""
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    parts = [_part(part) for part in content] if isinstance(content, list) else content
    if message.get("role") != "toolResult":
        return {**message, "content": parts} if parts != content else message
    names = {"toolCallId": "tool_call_id", "toolName": "name"}
    fields = {names.get(name, name): item for name, item in message.items()}
    return {**fields, "role": "tool", "content": parts}


def _request(value: Json) -> Json:
    """Return a turn's request with instructions and messages under their usual names."""
    messages = objects(value.get("messages")) if isinstance(value, dict) else None
    if not messages:
        return present(value)
    request = {"system" if name == "systemPrompt" else name: item for name, item in value.items()}
    return {**request, "messages": [_message(message) for message in messages]}


DIALECT: Final = Dialect(
    "flue",
    scopes=("@flue/opentelemetry",),
    rules=(
        Rule("kind", "flue.tool.name", constant("tool"), keep=True),
        Rule("kind", "flue.tool.call_id", constant("tool"), keep=True),
        Rule("kind", "flue.task.id", constant("agent"), keep=True),
        Rule("kind", "flue.task.agent", constant("agent"), keep=True),
        Rule("kind", "flue.workflow.name", constant("chain"), keep=True, late=True),
        Rule("kind", "flue.operation.kind", constant("chain"), keep=True, late=True),
        Rule("name", "flue.tool.name", text, keep=True),
        Rule("input", "flue.turn.input", _request, json=True),
        Rule("tools", "flue.turn.input", value_at("tools", parse=objects), json=True),
        Rule("output", "flue.turn.output", lambda value: present(_message(value)), json=True),
        *(Rule("input", f"flue.{name}", opened, json=True) for name in _INPUTS),
        *(Rule("output", f"flue.{name}", opened, json=True) for name in _OUTPUTS),
    ),
)
