"""Traces to records: what an event says of a trace as a whole."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from tracer.records import RANK_CREATE, Json, TraceRecord
from tracer.wire.langfuse.bodies import TraceBody, given
from tracer.wire.langfuse.observations import as_object
from tracer.wire.langfuse.order import Order
from tracer.wire.langfuse.words import environment
from tracer.wire.native.requests import micros
from tracer.wire.request_context import Cleaner, Receipt

_PLAIN: Final = ("name", "user_id", "session_id", "release", "version", "public")


def trace_records(body: TraceBody, order: Order, receipt: Receipt) -> list[TraceRecord]:
    """Return what an event says of a trace; its first word on time and environment stays."""
    trace_id = given(body.id)
    cleaner = Cleaner(receipt)
    fields: dict[str, Json] = {}
    for name in _PLAIN:
        value = getattr(body, name)
        if value is not UNSET:
            fields[name] = cleaner.value(name, value)
    for name in ("input", "output"):
        value = getattr(body, name)
        if value is not UNSET and value is not None and value != "":
            fields[name] = cleaner.value(name, value)
    said, assumed = _first(body, order)
    metadata = as_object(body.metadata)
    record = TraceRecord(
        trace_id=trace_id,
        rank=RANK_CREATE,
        version=order.micros,
        fields=fields,
        tags=[cleaner.value("tags", tag) for tag in given(body.tags) or []],
        metadata=cleaner.value("metadata", metadata) if metadata else {},
        deep=True,
    )
    firsts = [(order.first(), said), (order.first(assumed=True), assumed)]
    return [record] + [
        TraceRecord(trace_id=trace_id, rank=RANK_CREATE, version=version, fields=told)
        for version, told in firsts
        if told
    ]


def _first(body: TraceBody, order: Order) -> tuple[dict[str, Json], dict[str, Json]]:
    said: dict[str, Json] = {}
    if given(body.environment):
        said["environment"] = environment(str(body.environment))
    start = given(body.timestamp)
    if start:
        return said | {"start_time": micros(start, "timestamp")}, {}
    return said, {"start_time": order.micros}
