"""How the fields of Langfuse's mapping cases correspond to those of our records."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tracer.records import RANK_SPAN, Json, SpanRecord, TraceRecord
from tracer.wire.dialects.parsers import micros
from tracer.wire.otlp.request import Decoded

AGREEMENT = "agreement"
"""The property of a test report that holds how many values agree."""
ISO = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")

BUCKETS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "input_cached_tokens": "cache_read",
    "input_cache_read": "cache_read",
    "input_cache_creation": "cache_write",
    "input_cache_creation_5m": "cache_write_5m",
    "input_cache_creation_1h": "cache_write_1h",
    "output_reasoning_tokens": "reasoning",
    "output_reasoning": "reasoning",
    "output_audio_tokens": "output_audio",
}
"""Usage and cost types; all others are called the same."""

OBSERVATION_FIELDS = {
    "id": "span_id",
    "traceId": "trace_id",
    "parentObservationId": "parent_span_id",
    "name": "name",
    "statusMessage": "status_message",
    "promptName": "prompt_name",
    "promptVersion": "prompt_version",
    "model": "model",
    "input": "input",
    "output": "output",
}
TIMES = {
    "startTime": "start_time",
    "endTime": "end_time",
    "completionStartTime": "first_token_time",
}
OF_TRACE = {
    "environment": "environment",
    "userId": "user_id",
    "sessionId": "session_id",
    "version": "version",
    "release": "release",
    "public": "public",
    "name": "name",
}
"""Facts of a trace; Langfuse repeats some of them on each observation."""


def iso_millis(micros: int | None) -> str | None:
    """Return the time as Langfuse shows it: milliseconds, the rest cut off."""
    if micros is None:
        return None
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Ours:
    """Our records of one case, read by Langfuse's names."""

    def __init__(self, decoded: Decoded) -> None:
        self.spans = decoded.batch.spans
        self.traces = decoded.batch.traces

    def get(self, pointer: str, expected: Json) -> Any:
        """Return our value at Langfuse's ``pointer``, by Langfuse's names."""
        kind, index, *path = pointer.strip("/").split("/")
        path = [part.replace("~1", "/").replace("~0", "~") for part in path]
        expected_record = expected[kind][int(index)]
        if kind == "observations":
            return self._of_span(self._span(expected_record["id"]), path)
        return self._of_trace(expected_record["id"], path)

    def _span(self, span_id: str) -> SpanRecord:
        return next(span for span in self.spans if span.span_id == span_id)

    def _of_span(self, span: SpanRecord, path: list[str]) -> Any:
        field = path[0]
        if field == "type":
            return span.kind.upper()
        if field == "level":
            return span.level.upper()
        if field in TIMES:
            return iso_millis(getattr(span, TIMES[field]))
        if field == "usageDetails":
            return _bucket(_with_total(span.usage), path[1:])
        if field == "costDetails":
            return _number(_bucket(_with_total(span.cost), path[1:]))
        if field == "modelParameters":
            return dig(span.model_parameters, path[1:])
        if field == "metadata":
            return self._metadata(span, path[1:])
        if field in ("isAppRoot", "isRoot"):
            return span.attributes.get("langfuse.internal.is_app_root", False)
        if field in OF_TRACE and field != "name":
            return self._fact(span.trace_id, OF_TRACE[field], [span])
        return dig(getattr(span, OBSERVATION_FIELDS[field]), path[1:])

    def _metadata(self, span: SpanRecord, path: list[str]) -> Any:
        kept = {
            "resourceAttributes": span.resource,
            "scope": span.scope,
            "attributes": span.attributes,
        }
        return dig({**kept, **span.metadata}, path)

    def _of_trace(self, trace_id: str, path: list[str]) -> Any:
        field = path[0]
        spans = [span for span in self.spans if span.trace_id == trace_id]
        root = next((span for span in spans if span.parent_span_id is None), None)
        records = self._records(trace_id)
        if field == "id":
            return spans[0].trace_id
        if field == "timestamp":
            return iso_millis(min(span.start_time for span in spans))
        if field == "tags":
            return sorted({tag for record in records for tag in record.tags})
        if field == "metadata":
            metadata = {key: value for record in records for key, value in record.metadata.items()}
            merged = {**(root or spans[0]).metadata, **metadata}
            # A trace without its root span has only the metadata that was sent for the trace.
            kept = root and {
                "resourceAttributes": root.resource,
                "scope": root.scope,
                "attributes": root.attributes,
            }
            return dig({**(kept or {}), **merged}, path[1:])
        if field in ("input", "output"):
            value = self._fact(trace_id, field, spans)
            return dig(value if value is not None or not root else getattr(root, field), path[1:])
        value = self._fact(trace_id, OF_TRACE[field], spans)
        return root.name if value is None and field == "name" and root else value

    def _records(self, trace_id: str) -> list[TraceRecord]:
        records = [record for record in self.traces if record.trace_id == trace_id]
        return sorted(records, key=lambda record: (record.rank, record.version))

    def _fact(self, trace_id: str, field: str, spans: list[SpanRecord]) -> Any:
        value = None
        for record in self._records(trace_id):
            # An observation has what its own span sent; what another span sent is the trace's.
            own = len(spans) > 1 or any(span.start_time == record.version for span in spans)
            if field in record.fields and (record.rank != RANK_SPAN or own):
                value = record.fields[field]
        return "default" if value is None and field == "environment" else value


def _bucket(values: dict[str, Any], path: list[str]) -> Any:
    return dig(values, [BUCKETS.get(name, name) for name in path])


def _with_total(values: dict[str, Any]) -> dict[str, Any]:
    # Our usage types are disjoint, so that their sum is the total.
    return {"total": sum(values.values()), **values} if values else {}


def _number(value: Any) -> Any:
    return float(value) if value is not None and not isinstance(value, dict) else value


def dig(value: Any, path: list[str]) -> Any:
    """Return the value at ``path``, None if there is none."""
    for part in path:
        value = parsed(value)
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict):
            # Our messages lack the level `message`, which repeats that they are messages.
            value = value if part == "message" and part not in value else value.get(part)
        else:
            return None
    return value


def parsed(value: Any) -> Any:
    """Return JSON text decoded, as Langfuse's own reader does."""
    if isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError):
            return value
    return value


def plain(value: Any) -> Any:
    """Return ``value`` without the parts that are written differently but mean the same."""
    value = parsed(value)
    if isinstance(value, dict):
        if set(value) == {"message"} and isinstance(inner := parsed(value["message"]), dict):
            return plain(inner)
        items = {key: plain(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def agrees(ours: Any, theirs: Any) -> bool:
    """Return whether both mean the same: None, {} and [] are equal."""
    ours, theirs = plain(ours), plain(theirs)
    if isinstance(ours, list) and isinstance(theirs, dict) and len(ours) == 1:
        # A single choice is a list of one here, as several are a list.
        ours = ours[0]
    if isinstance(ours, str) and isinstance(theirs, str) and ISO.fullmatch(theirs):
        # Langfuse keeps a time as it was written, Tracer keeps the moment.
        theirs = iso_millis(micros(theirs))
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return abs(ours - theirs) < 1e-9
    return bool(ours == theirs) or (ours in (None, {}, []) and theirs in (None, {}, []))
