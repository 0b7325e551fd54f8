"""Converts validated requests of the JSON API to records, cleaned and in microseconds."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any, Final

from msgspec import UnsetType

from tracer.errors import Invalid
from tracer.messages.finish_reasons import finish_reasons
from tracer.records import (
    RANK_CREATE,
    RANK_UPDATE,
    TRACE_FIELDS,
    Json,
    ScoreRecord,
    SpanPatch,
    SpanRecord,
    TraceRecord,
)
from tracer.times import json_time
from tracer.wire.dialects.parsers import names
from tracer.wire.native.requests import (
    ScoreCreate,
    SpanCreate,
    SpanEvent,
    SpanUpdate,
    TraceCreate,
    TraceUpdate,
    as_utc,
    micros,
)
from tracer.wire.request_context import Cleaner, RequestContext
from tracer.wire.usage.reading import cost_within, read_usage
from tracer.wire.usage.shapes import OWN

_TIMES: Final = {
    "start_time": "start_time",
    "end_time": "end_time",
    "completion_start_time": "first_token_time",
}


def span_record(
    sent: SpanCreate, trace_id: str, context: RequestContext, kind: str | None = None
) -> SpanRecord:
    """Return the record of a new span; ``kind`` is required by the route.

    Raises Invalid for another kind, or for an event with a duration.
    """
    cleaner = Cleaner(context)
    values = _span_values(sent, kind, cleaner)
    values = {name: value for name, value in values.items() if value is not None}
    values.setdefault("start_time", context.time)
    if values.get("kind") == "event":
        values["end_time"] = values["start_time"]
    if values.get("kind") == "generation" and "finish_reasons" not in values:
        values["finish_reasons"] = finish_reasons(values.get("output"))
    return SpanRecord(
        trace_id=trace_id,
        span_id=sent.id or secrets.token_hex(8),
        version=context.time,
        flags=cleaner.flags(),
        notes=cleaner.notes,
        **values,
    )


def span_patch(
    sent: SpanUpdate, trace_id: str, span_id: str, context: RequestContext, kind: str | None = None
) -> SpanPatch:
    """Return the patch of the fields that were sent; null clears a field.

    Raises Invalid like `span_record`, and for a start time of null.
    """
    # Pages and sums are ordered by the start time, so it can't be cleared.
    if sent.start_time is None:
        raise Invalid.of_field("start_time", "expected a time, got null")
    cleaner = Cleaner(context)
    values = _span_values(sent, kind, cleaner)
    if values.get("kind") == "event" and "start_time" in values:
        values["end_time"] = values["start_time"]
    if cleaner.notes:
        values |= {"flags": cleaner.flags(), "notes": cleaner.notes}
    return SpanPatch(trace_id=trace_id, span_id=span_id, version=context.time, fields=values)


def trace_record(sent: TraceUpdate, trace_id: str, context: RequestContext) -> TraceRecord:
    """Return the record of a trace; an update overrides a create, and replaces the tags."""
    update = not isinstance(sent, TraceCreate)
    cleaner = Cleaner(context)
    values: dict[str, Json] = {}
    for name, value in sent.sent_fields().items():
        if name in ("start_time", "end_time") and value is not None:
            value = micros(value, name)
        # A create has nothing to clear, so its nulls count as absent.
        if value is not None or update:
            values[name] = cleaner.value(name, value)
    return TraceRecord(
        trace_id=trace_id,
        rank=RANK_UPDATE if update else RANK_CREATE,
        version=context.time,
        fields={name: value for name, value in values.items() if name in TRACE_FIELDS},
        tags=names(values.get("tags")) or [],
        replace_tags=update and "tags" in values,
        metadata=values.get("metadata") or {},
    )


def score_record(sent: ScoreCreate, context: RequestContext) -> ScoreRecord:
    """Return the record of a score; without a data type, the value decides it."""
    data_type = _given(sent.data_type) or _data_type(sent.value)
    number = data_type in ("numeric", "boolean")
    text = {
        "name": sent.name,
        "comment": _given(sent.comment),
        "metadata": _given(sent.metadata) or {},
        "string_value": None if number else sent.value,
    }
    cleaner = Cleaner(context)
    text = {name: cleaner.value(name, value) for name, value in text.items()}
    return ScoreRecord(
        score_id=sent.id or secrets.token_hex(16),
        data_type=data_type,
        value=float(sent.value) if number else None,
        trace_id=_given(sent.trace_id),
        span_id=_given(sent.span_id),
        session_id=_given(sent.session_id),
        time=micros(sent.time, "time") if sent.time else context.time,
        **text,
    )


def _span_values(sent: SpanUpdate, kind: str | None, cleaner: Cleaner) -> dict[str, Any]:
    """Return SpanRecord fields; null stays None."""
    fields = sent.sent_fields()
    for name in ("id", "trace_id"):
        fields.pop(name, None)
    if kind_name := _kind(fields.get("kind"), kind):
        fields["kind"] = kind_name
    if kind_name == "event" and fields.get("end_time", sent.start_time) != sent.start_time:
        raise Invalid.of_field("end_time", "expected none: an event is a moment, its start_time")
    values: dict[str, Any] = {}
    for name, value in fields.items():
        values |= _span_field(name, value, cleaner)
    return values


def _span_field(name: str, value: Any, cleaner: Cleaner) -> dict[str, Any]:
    if name in _TIMES:
        return {_TIMES[name]: micros(value, name) if value is not None else None}
    if name in ("parent_id", "parent_span_id"):
        return {"parent_span_id": value}
    if name == "usage":
        return _usage(value or {}, cleaner)
    if name in ("cost", "total_cost"):
        parts = {"total": value} if isinstance(value, float) else value or {}
        # The shortest text of the float is the decimal that the client wrote.
        cost = {key: Decimal(repr(part)) for key, part in cleaner.keys("cost", parts).items()}
        return {"cost": cost, "cost_source": "given" if cost else None}
    if name == "metadata" and value is None:
        return {}
    if name == "events":
        return {"events": [_event(event, cleaner) for event in value or []]}
    return {name: cleaner.value(name, value)}


def _usage(sent: dict[str, Json], cleaner: Cleaner) -> dict[str, Any]:
    """Return the usage of an object of counts, and its cost if it has one."""
    usage, cost = read_usage(sent, OWN), cost_within(sent)
    cleaner.note("usage", usage.note)
    values: dict[str, Any] = {"usage": cleaner.keys("usage", usage.by_type)}
    return values | {"cost": cost, "cost_source": "given"} if cost else values


def _event(event: SpanEvent, cleaner: Cleaner) -> dict[str, Json]:
    return {
        "name": cleaner.value("events", event.name),
        "time": json_time(as_utc(event.time, "time")),
        "attributes": cleaner.value("attributes", event.attributes),
    }


def _kind(sent: str | None, wanted: str | None) -> str | None:
    if sent == "retrieval":
        sent = "retriever"
    if sent and wanted and sent != wanted:
        raise Invalid.of_field("kind", f"expected {wanted}, as the route requires, got {sent}")
    return sent or wanted


def _data_type(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "numeric" if isinstance(value, float) else "categorical"


def _given(value: Any) -> Any:
    return None if isinstance(value, UnsetType) else value
