"""OTLP trace requests, the same data in both encodings, and the records decoded from them."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tracer.records import SpanRecord
from tracer.wire.otlp.request import JSON, PROTOBUF, Decoded, decode_traces

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
START = 1_767_225_600_000_000_000
"""Nanoseconds: 2026-01-01T00:00:00Z."""
SECOND = 1_000_000_000
MAX_VALUE_BYTES = 1 << 20


def any_value(value: Any) -> dict[str, Any]:
    """Return ``value`` as OTLP/JSON's AnyValue."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        name = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value))
        return {"doubleValue": name or value}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    return {"stringValue": value}


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def span(values: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return an OTLP/JSON span that has the attributes ``values``."""
    return {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "name": "call",
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + SECOND),
        "attributes": attributes(values or {}),
        **fields,
    }


def request(*spans: Any, resource: dict[str, Any] | None = None) -> dict[str, Any]:
    of_resource: dict[str, Any] = {"scopeSpans": [{"scope": {"name": "test"}, "spans": [*spans]}]}
    if resource:
        of_resource["resource"] = {"attributes": attributes(resource)}
    return {"resourceSpans": [of_resource]}


def encode_json(*spans: Any) -> bytes:
    """Return a request of these OTLP/JSON spans as a body."""
    return json.dumps(request(*spans)).encode()


def encode_protobuf(*spans: dict[str, Any]) -> bytes:
    """Return the same request as protobuf."""
    # JSON's protobuf mapping would take the hex ids for base64.
    without_ids = [{**span, "traceId": "", "spanId": ""} for span in spans]
    message = ParseDict(request(*without_ids), ExportTraceServiceRequest())
    encoded = message.resource_spans[0].scope_spans[0].spans
    for target, span in zip(encoded, spans, strict=True):
        target.trace_id = bytes.fromhex(span["traceId"])
        target.span_id = bytes.fromhex(span["spanId"])
    return message.SerializeToString()


def decode_json(body: Any, max_value_bytes: int = MAX_VALUE_BYTES) -> Decoded:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_traces(encoded, JSON, max_value_bytes=max_value_bytes)


def decode_protobuf(
    body: ExportTraceServiceRequest | bytes, max_value_bytes: int = MAX_VALUE_BYTES
) -> Decoded:
    encoded = body if isinstance(body, bytes) else body.SerializeToString()
    return decode_traces(encoded, PROTOBUF, max_value_bytes=max_value_bytes)


def only_record(*spans: Any, resource: dict[str, Any] | None = None) -> SpanRecord:
    """Return the record of a request's only span."""
    decoded = decode_json(request(*spans, resource=resource))
    assert decoded.item_errors == []
    [record] = decoded.batch.spans
    return record


def put(target: AnyValue, value: Any) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            put(target.array_value.values.add(), item)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        put_all(target.kvlist_value.values, value)
    elif value is not None:
        target.string_value = value


def put_all(target: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        pair: KeyValue = target.add()
        pair.key = key
        put(pair.value, value)


def protobuf(
    values: dict[str, Any], resource: dict[str, Any] | None = None, spans: int = 1
) -> ExportTraceServiceRequest:
    """Return ``request(span(values))`` as protobuf; the ids of further spans count up."""
    message = ExportTraceServiceRequest()
    of_resource = message.resource_spans.add()
    put_all(of_resource.resource.attributes, resource or {})
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = "test"
    for number in range(spans):
        span: Span = of_scope.spans.add()
        span.trace_id = bytes.fromhex(TRACE_ID)
        span.span_id = (int(SPAN_ID, 16) + number).to_bytes(8, "big")
        span.name = "call"
        span.start_time_unix_nano = START
        span.end_time_unix_nano = START + SECOND
        put_all(span.attributes, values)
    return message
