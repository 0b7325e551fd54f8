"""OpenTelemetry's GenAI events: a message each (conventions 1.28 to 1.36), and evaluations."""

from __future__ import annotations

from typing import Final

from tracer.messages.parts import decoded_parts
from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects.parsers import mapping
from tracer.wire.dialects.table import (
    EVENT,
    Parse,
    Rule,
    in_order,
)

_BODY: Final = "gen_ai.event.content"
"""Attribute of an event with its body as JSON text."""


_MESSAGE: Final = ("role", "content", "tool_calls", "parts")


def _message(text: str) -> Json:
    """Return the message or parts in JSON text; any other text unchanged."""
    parts = decoded_parts(text)
    if isinstance(parts, list):
        return parts
    value = decode_text(text)[0]
    is_message = isinstance(value, dict) and not value.keys().isdisjoint(_MESSAGE)
    return value if is_message else text


_DECODED: Final[dict[str, Parse]] = {
    "message": _message,
    # A user may have written JSON: only parts of a message are decoded.
    "content": decoded_parts,
    "tool_calls": lambda text: decode_text(text)[0],
}


def body_of(event: Json) -> dict[str, Json] | None:
    """Return the content of an event; a body that is JSON text is decoded."""
    attributes: dict[str, Json] = event["attributes"]
    body = attributes.get(_BODY)
    inner = decode_text(body)[0] if isinstance(body, str) else body
    if isinstance(inner, dict):
        attributes = {**{name: attributes[name] for name in attributes if name != _BODY}, **inner}
    # Attributes of events can't be objects, so these come as JSON text.
    for name, decode in _DECODED.items():
        if isinstance(text := attributes.get(name), str):
            attributes = {**attributes, name: decode(text)}
    return mapping(attributes)


def message(role: str | None) -> Parse:
    """Return a parser of a message event; ``role`` is the default role."""

    def parse(event: Json) -> dict[str, Json] | None:
        body = body_of(event)
        return {"role": role, **body} if body and role else body

    return parse


_TOOL_INPUT: Final = frozenset(("role", "content", "id", "name"))
_TOOL_OUTPUT: Final = frozenset(("role", "message", "id", "name", "index"))


def tool_arguments(value: Json) -> Json:
    """Return the arguments in the only message event of a tool's span; others unchanged."""
    event = _only_event(value, _TOOL_INPUT)
    if event is None or event.get("role") != "tool" or "content" not in event:
        return value
    content = event["content"]
    return decode_text(content)[0] if isinstance(content, str) else content


def tool_result(value: Json) -> Json:
    """Return the result in the only choice event of a tool's span; others unchanged."""
    event = _only_event(value, _TOOL_OUTPUT)
    return value if event is None or "message" not in event else event["message"]


def _only_event(value: Json, names: frozenset[str]) -> dict[str, Json] | None:
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
        return None
    return value[0] if value[0].keys() <= names else None


RULES: Final = (
    *(
        Rule("input", f"{EVENT}gen_ai.{role}.message", message(role), build=in_order)
        for role in ("system", "user", "assistant", "tool")
    ),
    Rule("output", f"{EVENT}gen_ai.choice", message(None), build=in_order),
    # A span may have several of these events, and a score has less content than the event.
    Rule("scores", f"{EVENT}gen_ai.evaluation.result", mapping, build=in_order, keep=True),
)
