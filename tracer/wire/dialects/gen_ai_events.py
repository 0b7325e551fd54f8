"""OpenTelemetry's GenAI events: a message each (conventions 1.28 to 1.36), and evaluations."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects.table import EVENT, Parse, Rule, in_order, mapping

_BODY: Final = "gen_ai.event.content"
"""Where instrumentations that can't send an event's body keep it, as JSON text."""


def body_of(event: Json) -> dict[str, Json] | None:
    """Return what an event says; a body sent as one JSON text is unpacked."""
    said: dict[str, Json] = event["attributes"]
    body = said.get(_BODY)
    inner = decode_text(body)[0] if isinstance(body, str) else body
    if isinstance(inner, dict):
        said = {**{name: said[name] for name in said if name != _BODY}, **inner}
    # Attributes of events can't be objects, so these come as JSON text.
    for name in ("message", "tool_calls"):
        if isinstance(text := said.get(name), str):
            said = {**said, name: decode_text(text)[0]}
    return mapping(said)


def message(role: str | None) -> Parse:
    """Return a parser of a message event; ``role`` is who speaks unless the event says so."""

    def parse(event: Json) -> dict[str, Json] | None:
        said = body_of(event)
        return {"role": role, **said} if said and role else said

    return parse


RULES: Final = (
    *(
        Rule("input", f"{EVENT}gen_ai.{role}.message", message(role), build=in_order)
        for role in ("system", "user", "assistant", "tool")
    ),
    Rule("output", f"{EVENT}gen_ai.choice", message(None), build=in_order),
    # Several events may judge one span, and a score says less than they do.
    Rule("scores", f"{EVENT}gen_ai.evaluation.result", mapping, build=in_order, keep=True),
)
