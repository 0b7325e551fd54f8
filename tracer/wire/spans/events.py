"""Span events: their values for the span's fields, and the events that are stored."""

from __future__ import annotations

from tracer.records import Json
from tracer.times import short_json_time
from tracer.wire.dialects.parsers import MAX_MICROS
from tracer.wire.dialects.table import EVENT
from tracer.wire.spans.resolution import EVENT_NAMES, JOINED_EVENTS, MAPPED_EVENTS, Resolution


def sources_of(events: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return the sources of rules besides the span's attributes, as `resolve` takes them."""
    sources: list[dict[str, Json]] = []
    whole_events: dict[str, Json] = {}
    seen: set[str] = set()
    for index, event in enumerate(events):
        name = event["name"]
        if name in EVENT_NAMES:
            sources.append(event["attributes"])
        if name in MAPPED_EVENTS and (name in JOINED_EVENTS or name not in seen):
            # With leading zeros the keys sort like the indexes.
            whole_events[f"{EVENT}{name}#{index:04}"] = event
            seen.add(name)
    return [*sources, whole_events] if whole_events else sources


def events_to_store(events: list[dict[str, Json]], resolution: Resolution) -> list[Json]:
    """Return the events to store, without the attributes that were mapped to fields."""
    stored: list[Json] = []
    source = 0
    consumed = resolution.consumed_events()
    for index, event in enumerate(events):
        name, attributes = event["name"], event["attributes"]
        if name in EVENT_NAMES:
            source += 1
            attributes = resolution.unconsumed_event_attributes(source, attributes)
        if index in consumed:
            attributes = {}
        stored.append({"name": name, "time": _iso(event["time_ns"]), "attributes": attributes})
    return stored


def events_as_sent(events: list[dict[str, Json]]) -> list[Json]:
    """Return the events to store where none of them was mapped to a field."""
    return [
        {"name": event["name"], "time": _iso(event["time_ns"]), "attributes": event["attributes"]}
        for event in events
    ]


def exception(events: list[dict[str, Json]]) -> str | None:
    """Return the last exception as ``type: message``; None: there is none."""
    for event in reversed(events):
        if event["name"] == "exception":
            attributes = event["attributes"]
            parts = (attributes.get("exception.type"), attributes.get("exception.message"))
            return ": ".join(part for part in parts if isinstance(part, str) and part) or None
    return None


def _iso(nanos: int) -> str | None:
    micros = nanos // 1_000
    return short_json_time(micros) if 0 < micros <= MAX_MICROS else None
