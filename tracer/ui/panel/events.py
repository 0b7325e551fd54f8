"""What happened inside of a span at a point in time: its events, exceptions above all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.records import Json
from tracer.ui.render import json_tree
from tracer.ui.render.format import duration
from tracer.ui.render.json_tree import Item


@dataclass(slots=True)
class Event:
    """Something that happened at a point in time; ``stack`` is an exception's trace."""

    name: str
    offset: str
    text: str
    stack: str
    attributes: Item | None


def read_event(event: Json, index: int, start: datetime) -> Event:
    """Return the ``index``-th event of a span that began at ``start``."""
    # The three names by which OpenTelemetry records an exception; the rest is shown as sent.
    attributes = dict(event.get("attributes") or {})
    kind = str(attributes.pop("exception.type", ""))
    said = str(attributes.pop("exception.message", ""))
    stack = str(attributes.pop("exception.stacktrace", ""))
    return Event(
        name=str(event.get("name") or "unnamed"),
        offset=_offset(event.get("time"), start),
        text=": ".join(word for word in (kind, said) if word),
        stack=stack,
        attributes=json_tree.view_part(attributes, f"/events/{index}") if attributes else None,
    )


def _offset(time: Json, start: datetime) -> str:
    try:
        # From the start of its span: the time of day says nothing about what it waited for.
        return f"+{duration(took(start, datetime.fromisoformat(str(time))))}"
    except (ValueError, TypeError):
        return ""


def took(start: datetime, end: datetime) -> timedelta:
    """Return the time from ``start`` to ``end``; clocks that disagree make it zero, not less."""
    return max(end - start, timedelta(0))
