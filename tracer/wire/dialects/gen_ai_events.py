"""OpenTelemetry's GenAI events: a message each (conventions 1.28 to 1.36), and evaluations."""

from __future__ import annotations

from typing import Final

from tracer.messages.parts import opened
from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects.table import EVENT, Parse, Rule, in_order, mapping

_BODY: Final = "gen_ai.event.content"
"""Where instrumentations that can't send an event's body keep it, as JSON text."""


_MESSAGE: Final = ("role", "content", "tool_calls", "parts")


def _message(text: str) -> Json:
    """Return the message or the parts that a text holds; JSON that holds neither is the text."""
    parts = opened(text)
    if isinstance(parts, list):
        return parts
    value = decode_text(text)[0]
    is_message = isinstance(value, dict) and not value.keys().isdisjoint(_MESSAGE)
    return value if is_message else text


_DECODED: Final[dict[str, Parse]] = {
    "message": _message,
    # A user may have written JSON: only parts of a message are no text.
    "content": opened,
    "tool_calls": lambda text: decode_text(text)[0],
}


def body_of(event: Json) -> dict[str, Json] | None:
    """Return what an event says; a body sent as one JSON text is unpacked."""
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
    """Return a parser of a message event; ``role`` is who speaks unless the event says so."""

    def parse(event: Json) -> dict[str, Json] | None:
        body = body_of(event)
        return {"role": role, **body} if body and role else body

    return parse


_TOOL_INPUT: Final = frozenset(("role", "content", "id", "name"))
_TOOL_OUTPUT: Final = frozenset(("role", "message", "id", "name", "index"))


def tool_arguments(value: Json) -> Json:
    """Return the arguments out of the one message event of a tool's span; any other value as is."""
    event = _only_event(value, _TOOL_INPUT)
    if event is None or event.get("role") != "tool" or "content" not in event:
        return value
    content = event["content"]
    return decode_text(content)[0] if isinstance(content, str) else content


def tool_result(value: Json) -> Json:
    """Return the result out of the one choice event of a tool's span; any other value as is."""
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
    # Several events may judge one span, and a score says less than they do.
    Rule("scores", f"{EVENT}gen_ai.evaluation.result", mapping, build=in_order, keep=True),
)
