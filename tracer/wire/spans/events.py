"""What a span's events say of it, and what is left of them once fields tell it."""

from __future__ import annotations

from tracer.records import Json
from tracer.times import short_json_time
from tracer.wire.dialects.table import EVENT, MAX_MICROS
from tracer.wire.spans.resolution import EVENT_NAMES, EVENTS_JOINED, EVENTS_TOLD, Resolution


def sources_of(events: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return what rules are applied to beside the span's attributes, as ``resolve`` takes it."""
    sources: list[dict[str, Json]] = []
    whole: dict[str, Json] = {}
    seen: set[str] = set()
    for place, event in enumerate(events):
        name = event["name"]
        if name in EVENT_NAMES:
            sources.append(event["attributes"])
        if name in EVENTS_TOLD and (name in EVENTS_JOINED or name not in seen):
            # Keys sort like the places in them.
            whole[f"{EVENT}{name}#{place:04}"] = event
            seen.add(name)
    return [*sources, whole] if whole else sources


def events_left(events: list[dict[str, Json]], found: Resolution) -> list[Json]:
    """Return the events to store, without the attributes that fields tell."""
    left: list[Json] = []
    source = 0
    told = found.events_told()
    for place, event in enumerate(events):
        name, attributes = event["name"], event["attributes"]
        if name in EVENT_NAMES:
            source += 1
            attributes = found.rest(source, attributes)
        if place in told:
            attributes = {}
        left.append({"name": name, "time": _iso(event["time_ns"]), "attributes": attributes})
    return left


def events_as_sent(events: list[dict[str, Json]]) -> list[Json]:
    """Return the events to store where no field tells anything of them."""
    return [
        {"name": event["name"], "time": _iso(event["time_ns"]), "attributes": event["attributes"]}
        for event in events
    ]


def exception(events: list[dict[str, Json]]) -> str | None:
    """Return what the last exception said, as ``type: message``."""
    for event in reversed(events):
        if event["name"] == "exception":
            said = event["attributes"]
            parts = (said.get("exception.type"), said.get("exception.message"))
            return ": ".join(part for part in parts if isinstance(part, str) and part) or None
    return None


def _iso(nanos: int) -> str | None:
    micros = nanos // 1_000
    return short_json_time(micros) if 0 < micros <= MAX_MICROS else None
