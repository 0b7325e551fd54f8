"""OTLP/JSON export: a request that the OTLP endpoint of Tracer imports without loss.

Each resource is on a line of its own, so that a large file can be sent in parts without parsing
it as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from tracer import exact_json
from tracer.export.names import ENCODED, PREFIX, SCALARS, SCORES, TRACE, VERSION
from tracer.export.otlp_values import (
    EPOCH,
    HEX,
    MAX_TEXT_CHARACTERS,
    Pairs,
    any_value,
    events_of,
    fit,
    links_of,
    pairs_of,
    scope_of,
)
from tracer.export.records import (
    ExportedScore,
    ExportedSpan,
    ExportedTrace,
    Source,
    Text,
)

BEGIN: Final = '{"resourceSpans":[\n'
END: Final = "\n]}\n"

_SPANS_PER_LINE: Final = 200
_SCORES_PER_LINE: Final = 200
_MICRO: Final = timedelta(microseconds=1)
_KINDS: Final = {"server": 2, "client": 3, "producer": 4, "consumer": 5}
_INTERNAL: Final = 1
_ERROR: Final = 2
_TRACE_FIELDS: Final = (
    "name",
    "user_id",
    "session_id",
    "environment",
    "release",
    "version",
    "public",
    "tags",
    "metadata",
    "input",
    "output",
    "claims",
)

_encode: Final = exact_json.encode


def write(source: Source) -> Iterator[str]:
    """Yield the request, one resource on each line. A truncated file is invalid JSON."""
    yield BEGIN
    for number, line in enumerate(lines(source)):
        yield f",\n{line}" if number else line
    yield END


def lines(source: Source) -> Iterator[str]:
    """Yield the resources: one with the trace, then its scores, then its spans."""
    yield _line(_attribute_resource(TRACE, _trace(source.trace)))
    for scores in _batches(source.scores(), _SCORES_PER_LINE):
        body = {"trace_id": source.trace.trace_id, "scores": [_score(score) for score in scores]}
        yield _line(_attribute_resource(SCORES, body))
    for spans in _by_resource_and_scope(source.in_time()):
        yield _line(_resource(source.trace.trace_id, spans))


def _line(resource: dict[str, Any]) -> str:
    return _encode(resource).decode()


def _attribute_resource(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return a resource with one JSON attribute and no spans; other receivers ignore it."""
    pairs = [{"key": name, "value": {"stringValue": _encode(value).decode()}}]
    return {
        "resource": {"attributes": pairs},
        "scopeSpans": [{"scope": {}, "spans": []}],
    }


def _trace(trace: ExportedTrace) -> dict[str, Any]:
    fields = {name: getattr(trace, name) for name in _TRACE_FIELDS}
    return {"trace_id": trace.trace_id, **fields}


def _score(score: ExportedScore) -> dict[str, Any]:
    return {**msgspec.structs.asdict(score), "time": _micros(score.time)}


def _by_resource_and_scope(spans: Iterator[ExportedSpan]) -> Iterator[list[ExportedSpan]]:
    """Yield consecutive spans with the same resource and scope as one list."""
    group: list[ExportedSpan] = []
    origin: tuple[bytes, bytes] | None = None
    size = 0
    for span in spans:
        span_origin = _bytes(span.resource), _bytes(span.scope)
        # Limited by size as well: importers hold a line in memory and may send it as one request.
        if group and (
            span_origin != origin or len(group) == _SPANS_PER_LINE or size > MAX_TEXT_CHARACTERS * 5
        ):
            yield group
            group, size = [], 0
        origin = span_origin
        size += sum(len(_bytes(text)) for text in (span.input, span.output, span.attributes))
        group.append(span)
    if group:
        yield group


def _batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _bytes(text: Text) -> bytes:
    return b"" if text is None else bytes(text)


def _resource(trace_id: str, spans: list[ExportedSpan]) -> dict[str, Any]:
    resource = fit(pairs_of, spans[0].resource)
    scope = fit(scope_of, spans[0].scope)
    as_json: dict[str, Text] = {}
    if resource is None:
        as_json["resource"] = spans[0].resource
    if scope is None:
        as_json["scope"] = spans[0].scope
    return {
        "resource": {"attributes": resource or []},
        "scopeSpans": [
            {"scope": scope or {}, "spans": [_span(trace_id, span, as_json) for span in spans]}
        ],
    }


def _span(trace_id: str, span: ExportedSpan, as_json: dict[str, Text]) -> dict[str, Any]:
    attributes = fit(pairs_of, span.attributes)
    events, links = fit(events_of, span.events), fit(links_of, span.links)
    as_json = dict(as_json)
    for name, converted in (("attributes", attributes), ("events", events), ("links", links)):
        if converted is None:
            as_json[name] = getattr(span, name)
    otlp_span: dict[str, Any] = {
        "traceId": _hex(trace_id, 32),
        "spanId": _hex(span.span_id, 16),
        "name": span.name,
        "kind": _kind(attributes or []),
        "startTimeUnixNano": str(_micros(span.start_time) * 1000),
        "attributes": [*_tracer_attributes(trace_id, span, as_json), *(attributes or [])],
        "events": events or [],
        "links": links or [],
        "status": _status(span),
    }
    if span.parent_span_id is not None:
        otlp_span["parentSpanId"] = _hex(span.parent_span_id, 16)
    if span.end_time is not None:
        otlp_span["endTimeUnixNano"] = str(_micros(span.end_time) * 1000)
    return otlp_span


def _tracer_attributes(trace_id: str, span: ExportedSpan, as_json: dict[str, Text]) -> Pairs:
    """Return the ``tracer.*`` attributes: fields that OTLP lacks, or would change."""
    values: dict[str, Any] = {"export": VERSION}
    ids = (("trace_id", trace_id, 32), ("span_id", span.span_id, 16))
    values |= {name: text for name, text, size in ids if _hex(text, size) != text}
    parent = span.parent_span_id
    if parent is not None and _hex(parent, 16) != parent:
        values["parent_span_id"] = parent
    if len(span.name) > MAX_TEXT_CHARACTERS:
        values["name"] = span.name
    # In OTLP a time of zero means "not set".
    times = {"start_time": span.start_time, "end_time": span.end_time}
    values |= {name: _micros(time) for name, time in times.items() if time and time <= EPOCH}
    if span.first_token_time:
        values["first_token_time"] = _micros(span.first_token_time)
    if span.flags:
        values["flags"] = span.flags
    values |= {name: getattr(span, name) for name in SCALARS}
    values |= {name: _text(getattr(span, name)) for name in ENCODED}
    values |= {name: _text(text) for name, text in as_json.items()}
    return [
        {"key": PREFIX + name, "value": any_value(value, 1)}
        for name, value in values.items()
        if value is not None and value is not False
    ]


def _text(text: Text) -> str | None:
    return None if text is None else bytes(text).decode()


def _hex(text: str, size: int) -> str:
    """Return a hex id unchanged, other ids as a hash, so that parent references still match."""
    return text if HEX[size].fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:size]


def _kind(attributes: Pairs) -> int:
    # OTLP's span kind is stored as the attribute `span.kind`; other tools need the field.
    kinds = [pair["value"].get("stringValue") for pair in attributes if pair["key"] == "span.kind"]
    return _KINDS.get(kinds[0], _INTERNAL) if kinds else _INTERNAL


def _status(span: ExportedSpan) -> dict[str, Any]:
    if span.level != "error":
        return {}
    return {"code": _ERROR, "message": span.status_message or ""}


def _micros(time: datetime) -> int:
    return (time - EPOCH) // _MICRO
