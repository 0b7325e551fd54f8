"""Converts traces to records."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from tracer.records import RANK_CREATE, Json, TraceRecord
from tracer.wire.dialects.parsers import names
from tracer.wire.langfuse.bodies import TraceBody, given
from tracer.wire.langfuse.observations import as_object
from tracer.wire.langfuse.order import Order
from tracer.wire.langfuse.words import environment
from tracer.wire.native.requests import micros
from tracer.wire.request_context import Cleaner, RequestContext

_PLAIN: Final = ("name", "user_id", "session_id", "release", "version", "public")


def trace_records(body: TraceBody, order: Order, context: RequestContext) -> list[TraceRecord]:
    """Return the records of a trace event; the first time and environment apply."""
    trace_id = given(body.id)
    cleaner = Cleaner(context)
    fields: dict[str, Json] = {}
    for name in _PLAIN:
        value = getattr(body, name)
        if value is not UNSET:
            fields[name] = cleaner.value(name, value)
    for name in ("input", "output"):
        value = getattr(body, name)
        if value is not UNSET and value is not None and value != "":
            fields[name] = cleaner.value(name, value)
    first, assumed = _first(body, order)
    metadata = as_object(body.metadata)
    record = TraceRecord(
        trace_id=trace_id,
        rank=RANK_CREATE,
        version=order.micros,
        fields=fields,
        tags=[cleaner.value("tags", tag) for tag in names(given(body.tags)) or []],
        metadata=cleaner.value("metadata", metadata) if metadata else {},
        deep=True,
    )
    firsts = [(order.first(), first), (order.first(assumed=True), assumed)]
    return [record] + [
        TraceRecord(trace_id=trace_id, rank=RANK_CREATE, version=version, fields=values)
        for version, values in firsts
        if values
    ]


def _first(body: TraceBody, order: Order) -> tuple[dict[str, Json], dict[str, Json]]:
    fields: dict[str, Json] = {}
    if given(body.environment):
        fields["environment"] = environment(str(body.environment))
    start = given(body.timestamp)
    if start:
        return fields | {"start_time": micros(start, "timestamp")}, {}
    return fields, {"start_time": order.micros}
