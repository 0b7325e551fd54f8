"""Decodes OTLP/HTTP log requests: GenAI events to additions to spans; other logs are counted."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from tracer.errors import ItemError, TooLarge
from tracer.records import RANK_RESOURCE, Batch, SpanPatch, TraceRecord
from tracer.wire.otlp import json_encoding, protobuf
from tracer.wire.otlp.request import Signal, is_json
from tracer.wire.spans.log_events import is_event_of_span, read_log
from tracer.wire.spans.raw import MAX_SPANS, Bad

LOGS: Final = Signal(ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords")


class DecodedLogs(msgspec.Struct):
    """The content of a request: additions to spans, rejected records, and unstored records."""

    batch: Batch
    item_errors: list[ItemError]
    total: int
    not_stored: int
    """Log records that are no GenAI events, or have no span id."""


def decode_logs(body: bytes, content_type: str, *, max_value_bytes: int) -> DecodedLogs:
    """Return the GenAI events of an ExportLogsServiceRequest, each as a change of its span.

    A value longer than ``max_value_bytes`` is cut with a marker. Invalid records are rejected one
    by one. Raises Invalid, TooLarge or UnsupportedMedia for a body that is no request.
    """
    logs = json_encoding.logs if is_json(content_type) else protobuf.logs
    now = time.time_ns() // 1_000
    decoded = DecodedLogs(Batch(), [], 0, 0)
    repeats: Counter[str] = Counter()
    for group in logs(body, max_value_bytes):
        before = decoded.total
        decoded.total += len(group.items)
        if decoded.total > MAX_SPANS:
            raise TooLarge(f"more than {MAX_SPANS} log records in one request")
        for k, source in enumerate(group.items):
            try:
                raw = group.read(source)
                if not is_event_of_span(raw):
                    decoded.not_stored += 1
                    continue
                event = read_log(raw, group.context, before + k, repeats, now)
            except Bad as bad:
                item = f"{group.path}.logRecords[{k}]"
                decoded.item_errors.append(ItemError(item=item, field=bad.field, reason=bad.reason))
                continue
            decoded.batch.patches.append(event.patch)
            decoded.batch.scores += event.scores
    decoded.batch.traces = _beginnings(decoded.batch.patches)
    return decoded


def _beginnings(patches: list[SpanPatch]) -> list[TraceRecord]:
    """Return the time of the first event of each trace, the start of a trace without spans."""
    first: dict[str, int] = {}
    for patch in patches:
        first[patch.trace_id] = min(first.get(patch.trace_id, patch.version), patch.version)
    return [
        TraceRecord(trace_id=trace_id, rank=RANK_RESOURCE, version=version)
        for trace_id, version in first.items()
    ]
