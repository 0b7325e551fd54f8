"""The events of a span for its panel; exceptions get a message and a stack trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.records import Json
from tracer.ui.render import json_tree
from tracer.ui.render.format import duration
from tracer.ui.render.json_tree import Item


@dataclass(slots=True)
class Event:
    """One event; ``stack`` is the stack trace of an exception."""

    name: str
    offset: str
    text: str
    stack: str
    attributes: Item | None


def read_event(event: Json, index: int, start: datetime) -> Event:
    """Return the ``index``-th event of a span that started at ``start``."""
    # The attributes in which OpenTelemetry records an exception; the others are shown as sent.
    attributes = dict(event.get("attributes") or {})
    kind = str(attributes.pop("exception.type", ""))
    message = str(attributes.pop("exception.message", ""))
    stack = str(attributes.pop("exception.stacktrace", ""))
    return Event(
        name=str(event.get("name") or "unnamed"),
        offset=_offset(event.get("time"), start),
        text=": ".join(word for word in (kind, message) if word),
        stack=stack,
        attributes=json_tree.view_part(attributes, f"/events/{index}") if attributes else None,
    )


def _offset(time: Json, start: datetime) -> str:
    try:
        # Relative to the span: more useful than the time of day.
        return f"+{duration(elapsed(start, datetime.fromisoformat(str(time))))}"
    except (ValueError, TypeError):
        return ""


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Return the time from ``start`` to ``end``; zero if clocks disagree and it is negative."""
    return max(end - start, timedelta(0))
