"""Makes OTLP log requests for tests, the same data in both encodings."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.support.wire.otlp import SPAN_ID, START, TRACE_ID, any_value, attributes


def log(name: str, body: Any = None, values: Any = None, **fields: Any) -> dict[str, Any]:
    """Return an OTLP/JSON log record of an event of the span SPAN_ID."""
    return {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "timeUnixNano": str(START),
        "eventName": name,
        "body": any_value(body),
        "attributes": attributes(values or {}),
        **fields,
    }


def logs_of(*logs: Any) -> dict[str, Any]:
    scope = {"name": "opentelemetry.instrumentation.botocore.bedrock-runtime"}
    return {"resourceLogs": [{"scopeLogs": [{"scope": scope, "logRecords": [*logs]}]}]}


def protobuf_of(*logs: Any) -> bytes:
    """Encode log records whose hex ids JSON's protobuf mapping would take for base64."""
    bare = [{**record, "traceId": "", "spanId": ""} for record in logs]
    message = ParseDict(logs_of(*bare), ExportLogsServiceRequest())
    for encoded, record in zip(
        message.resource_logs[0].scope_logs[0].log_records, logs, strict=True
    ):
        encoded.trace_id = bytes.fromhex(record["traceId"])
        encoded.span_id = bytes.fromhex(record["spanId"])
    return message.SerializeToString()
