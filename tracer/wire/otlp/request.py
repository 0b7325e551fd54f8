"""Decodes OTLP/HTTP trace requests, and encodes the responses in the request's encoding."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tracer.errors import ItemError, TooLarge, UnsupportedMedia
from tracer.export.names import MARK
from tracer.records import Batch, SpanRecord
from tracer.wire.exported.spans import read_exported
from tracer.wire.exported.trace import read_resource
from tracer.wire.otlp import json_encoding, protobuf
from tracer.wire.spans.raw import MAX_SPANS, Bad, Group, RawSpan
from tracer.wire.spans.record import read_span
from tracer.wire.spans.trace_facts import TraceFacts

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
CONTENT_TYPES: Final = (PROTOBUF, "application/protobuf", JSON)

_INVALID_ARGUMENT: Final = 3


class Decoded(msgspec.Struct):
    """The content of a request: records to store, rejected spans, and the number of spans."""

    batch: Batch
    item_errors: list[ItemError]
    total: int


def decode_traces(body: bytes, content_type: str, *, max_value_bytes: int) -> Decoded:
    """Return the records of an ExportTraceServiceRequest.

    A value longer than ``max_value_bytes`` is cut with a marker. Invalid spans are rejected one
    by one. Raises Invalid, TooLarge or UnsupportedMedia for a body that is no request.
    """
    now = time.time_ns() // 1_000
    spans: list[SpanRecord] = []
    item_errors: list[ItemError] = []
    traces = TraceFacts()
    total = 0
    for group in _groups(body, content_type, max_value_bytes):
        total += len(group.items)
        if total > MAX_SPANS:
            raise TooLarge(f"more than {MAX_SPANS} spans in one request: send smaller ones")
        try:
            read_resource(group.context.resource, traces)
        except Bad as bad:
            item_errors.append(ItemError(item=group.path, field=bad.field, reason=bad.reason))
        read, context = group.read, group.context
        for k, source in enumerate(group.items):
            try:
                raw = read(source)
                if MARK in raw.attributes:
                    record = read_exported(raw, context, traces)
                else:
                    record = read_span(raw, context, traces, now)
            except Bad as bad:
                item = f"{group.path}.spans[{k}]"
                item_errors.append(ItemError(item=item, field=bad.field, reason=bad.reason))
                continue
            if record is not None:
                spans.append(record)
    batch = Batch(
        spans=spans, patches=traces.patches, traces=traces.records(), scores=traces.scores
    )
    return Decoded(batch, item_errors, total)


def _groups(body: bytes, content_type: str, max_value_bytes: int) -> Iterator[Group[RawSpan]]:
    spans = json_encoding.spans if is_json(content_type) else protobuf.spans
    return spans(body, max_value_bytes)


def is_json(content_type: str) -> bool:
    """Return whether a request is JSON and not protobuf. Raises UnsupportedMedia for neither."""
    media = media_type(content_type)
    if media not in CONTENT_TYPES:
        raise UnsupportedMedia(f"content type {media or 'absent'}: expected {PROTOBUF} or {JSON}")
    return media == JSON


def media_type(content_type: str) -> str:
    """Return the media type of a Content-Type header, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


class Signal(NamedTuple):
    """Response type of a signal, and the names of its count of rejected items."""

    answer: Any
    refused: str
    refused_in_json: str


TRACES: Final = Signal(ExportTraceServiceResponse, "rejected_spans", "rejectedSpans")


def encode_answer(content_type: str, refused: int, message: str, signal: Signal = TRACES) -> bytes:
    """Return the signal's response, with a partial success only where there is one.

    ``message`` without ``refused`` is a warning.
    """
    if media_type(content_type) == JSON:
        if not refused and not message:
            return b"{}"
        # 64-bit numbers are text in proto3's JSON.
        partial = {signal.refused_in_json: str(refused), "errorMessage": message}
        return msgspec.json.encode({"partialSuccess": partial})
    answer = signal.answer()
    if refused or message:
        setattr(answer.partial_success, signal.refused, refused)
        answer.partial_success.error_message = message
    encoded: bytes = answer.SerializeToString()
    return encoded


def encode_error(content_type: str, message: str, code: int = _INVALID_ARGUMENT) -> bytes:
    """Return a google.rpc.Status, the body of every OTLP/HTTP error."""
    if media_type(content_type) == JSON:
        return msgspec.json.encode({"code": code, "message": message})
    encoded: bytes = Status(code=code, message=message).SerializeToString()
    return encoded
