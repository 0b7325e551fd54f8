"""Converts stored JSON to OTLP values where the conversion loses nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tracer.export.names import PREFIX
from tracer.export.records import Text, decoded
from tracer.records import Json

# Common limits of OTLP receivers; values beyond them are exported as JSON text.
MAX_TEXT_CHARACTERS: Final = 200_000
_MAX_ATTRIBUTES: Final = 500
_MAX_DEPTH: Final = 20
_MAX_KEY_CHARACTERS: Final = 500
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
HEX: Final = {size: re.compile(f"(?!0+$)[0-9a-f]{{{size}}}") for size in (16, 32)}

Pairs = list[dict[str, Any]]


class Unfit(Exception):
    """A value that OTLP's form would change."""


def fit(convert: Callable[[Json], Any], text: Text) -> Any:
    """Return stored JSON in OTLP's form; None: it is too large, or would be changed."""
    if text is not None and len(bytes(text)) > MAX_TEXT_CHARACTERS:
        return None
    try:
        return convert(decoded(text))
    except Unfit:
        return None


def pairs_of(values: Json) -> Pairs:
    """Return a JSON object as OTLP attributes. Raises Unfit."""
    values = values or {}
    if len(values) > _MAX_ATTRIBUTES or any(key.startswith(PREFIX) for key in values):
        raise Unfit
    return _pairs(values, _MAX_DEPTH)


def _pairs(values: dict[str, Json], depth: int) -> Pairs:
    if any(len(key) > _MAX_KEY_CHARACTERS for key in values):
        raise Unfit
    return [{"key": key, "value": any_value(value, depth)} for key, value in values.items()]


def any_value(value: Json, depth: int) -> dict[str, Any]:
    """Return a value as OTLP's AnyValue. Raises Unfit."""
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise Unfit
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if value is None:
        return {}
    if depth == 0:
        raise Unfit
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item, depth - 1) for item in value]}}
    return {"kvlistValue": {"values": _pairs(value, depth - 1)}}


def scope_of(scope: Json) -> dict[str, Any]:
    """Return an instrumentation scope. Raises Unfit."""
    scope = scope or {}
    names = {name: scope.get(name) or "" for name in ("name", "version")}
    attributes = scope.get("attributes") or {}
    present = {name: text for name, text in names.items() if text}
    if scope != (present | {"attributes": attributes} if attributes else present):
        raise Unfit
    return {**present, "attributes": pairs_of(attributes)}


def events_of(events: Json) -> Pairs:
    """Return span events. Raises Unfit."""
    return [_event(event) for event in _checked_count(events)]


def _event(event: Json) -> dict[str, Any]:
    time = event.get("time")
    nanos = _event_nanos(time) if time is not None else 0
    if list(event) != ["name", "time", "attributes"] or len(event["name"]) > MAX_TEXT_CHARACTERS:
        raise Unfit
    return {
        "name": event["name"],
        "timeUnixNano": str(nanos),
        "attributes": pairs_of(event["attributes"]),
    }


def _event_nanos(time: Json) -> int:
    """Return an event's time (ns). Raises Unfit if its text can't be restored from that."""
    try:
        moment = datetime.fromisoformat(time)
        if moment.isoformat().replace("+00:00", "Z") != time or moment <= EPOCH:
            raise Unfit
    except (TypeError, ValueError):
        raise Unfit from None
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def links_of(links: Json) -> Pairs:
    """Return span links. Raises Unfit."""
    return [_link(link) for link in _checked_count(links)]


def _link(link: Json) -> dict[str, Any]:
    if list(link) != ["trace_id", "span_id", "attributes"]:
        raise Unfit
    trace_id, span_id = link["trace_id"], link["span_id"]
    if not HEX[32].fullmatch(str(trace_id)) or not HEX[16].fullmatch(str(span_id)):
        raise Unfit
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "attributes": pairs_of(link["attributes"]),
    }


def _checked_count(items: Json) -> list[Json]:
    values: list[Json] = items or []
    if len(values) > _MAX_ATTRIBUTES:
        raise Unfit
    return values
