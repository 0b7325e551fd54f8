"""A trace as an OTLP/JSON request, which this server's own endpoint takes back unchanged.

One resource a line, so that a large file can be sent in parts without being parsed whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from tracer.export.names import ENCODED, PREFIX, SCALARS, SCORES, TRACE, VERSION
from tracer.export.otlp_values import (
    EPOCH,
    HEX,
    MOST_TEXT,
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

_SPANS_A_LINE: Final = 200
_SCORES_A_LINE: Final = 200
_MICRO: Final = timedelta(microseconds=1)
_KINDS: Final = {"server": 2, "client": 3, "producer": 4, "consumer": 5}
_INTERNAL: Final = 1
_ERROR: Final = 2
_SAID: Final = (
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

_encode: Final = msgspec.json.Encoder().encode


def write(source: Source) -> Iterator[str]:
    """Yield the request, a resource on each line; what is cut off in the middle is no JSON."""
    yield BEGIN
    yield _line(_carrying(TRACE, _said(source.trace)))
    for scores in _batches(source.scores(), _SCORES_A_LINE):
        told = {"trace_id": source.trace.trace_id, "scores": [_score(score) for score in scores]}
        yield ",\n" + _line(_carrying(SCORES, told))
    for spans in _groups(source.in_time()):
        yield ",\n" + _line(_resource(source.trace.trace_id, spans))
    yield END


def _line(resource: dict[str, Any]) -> str:
    return _encode(resource).decode()


def _carrying(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without spans, which other receivers pass over."""
    pairs = [{"key": name, "value": {"stringValue": _encode(value).decode()}}]
    return {
        "resource": {"attributes": pairs},
        "scopeSpans": [{"scope": {}, "spans": []}],
    }


def _said(trace: ExportedTrace) -> dict[str, Any]:
    said = {name: getattr(trace, name) for name in _SAID}
    return {"trace_id": trace.trace_id, **said}


def _score(score: ExportedScore) -> dict[str, Any]:
    return {**msgspec.structs.asdict(score), "time": _micros(score.time)}


def _groups(spans: Iterator[ExportedSpan]) -> Iterator[list[ExportedSpan]]:
    """Yield neighbours of one resource and scope together."""
    group: list[ExportedSpan] = []
    origin: tuple[bytes, bytes] | None = None
    size = 0
    for span in spans:
        where = _bytes(span.resource), _bytes(span.scope)
        # Bounded by size as well: a line is held in memory, and sent as one request by itself.
        if group and (where != origin or len(group) == _SPANS_A_LINE or size > MOST_TEXT * 5):
            yield group
            group, size = [], 0
        origin = where
        size += sum(len(_bytes(text)) for text in (span.input, span.output, span.attributes))
        group.append(span)
    if group:
        yield group


def _batches(items: Iterator[Any], most: int) -> Iterator[list[Any]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch


def _bytes(text: Text) -> bytes:
    return b"" if text is None else bytes(text)


def _resource(trace_id: str, spans: list[ExportedSpan]) -> dict[str, Any]:
    resource = fit(pairs_of, spans[0].resource)
    scope = fit(scope_of, spans[0].scope)
    beside: dict[str, Text] = {}
    if resource is None:
        beside["resource"] = spans[0].resource
    if scope is None:
        beside["scope"] = spans[0].scope
    return {
        "resource": {"attributes": resource or []},
        "scopeSpans": [
            {"scope": scope or {}, "spans": [_span(trace_id, span, beside) for span in spans]}
        ],
    }


def _span(trace_id: str, span: ExportedSpan, beside: dict[str, Text]) -> dict[str, Any]:
    attributes = fit(pairs_of, span.attributes)
    events, links = fit(events_of, span.events), fit(links_of, span.links)
    beside = dict(beside)
    for name, told in (("attributes", attributes), ("events", events), ("links", links)):
        if told is None:
            beside[name] = getattr(span, name)
    said: dict[str, Any] = {
        "traceId": _hex(trace_id, 32),
        "spanId": _hex(span.span_id, 16),
        "name": span.name,
        "kind": _kind(attributes or []),
        "startTimeUnixNano": str(_micros(span.start_time) * 1000),
        "attributes": [*_own(trace_id, span, beside), *(attributes or [])],
        "events": events or [],
        "links": links or [],
        "status": _status(span),
    }
    if span.parent_span_id is not None:
        said["parentSpanId"] = _hex(span.parent_span_id, 16)
    if span.end_time is not None:
        said["endTimeUnixNano"] = str(_micros(span.end_time) * 1000)
    return said


def _own(trace_id: str, span: ExportedSpan, beside: dict[str, Text]) -> Pairs:
    """Return what OTLP has no field for, and what its fields would not bring back."""
    own: dict[str, Any] = {"export": VERSION}
    ids = (("trace_id", trace_id, 32), ("span_id", span.span_id, 16))
    own |= {name: text for name, text, size in ids if _hex(text, size) != text}
    parent = span.parent_span_id
    if parent is not None and _hex(parent, 16) != parent:
        own["parent_span_id"] = parent
    if len(span.name) > MOST_TEXT:
        own["name"] = span.name
    # OTLP says "no time" with a zero.
    times = {"start_time": span.start_time, "end_time": span.end_time}
    own |= {name: _micros(time) for name, time in times.items() if time and time <= EPOCH}
    if span.first_token_time:
        own["first_token_time"] = _micros(span.first_token_time)
    if span.flags:
        own["flags"] = span.flags
    own |= {name: getattr(span, name) for name in SCALARS}
    own |= {name: _text(getattr(span, name)) for name in ENCODED}
    own |= {name: _text(text) for name, text in beside.items()}
    return [
        {"key": PREFIX + name, "value": any_value(value, 1)}
        for name, value in own.items()
        if value is not None and value is not False
    ]


def _text(text: Text) -> str | None:
    return None if text is None else bytes(text).decode()


def _hex(text: str, size: int) -> str:
    """Return an id as OTLP has it; of free text a hash, so that children still find parents."""
    return text if HEX[size].fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:size]


def _kind(attributes: Pairs) -> int:
    # Kept as an attribute when it came in; other tools look for it where OTLP has it.
    said = [pair["value"].get("stringValue") for pair in attributes if pair["key"] == "span.kind"]
    return _KINDS.get(said[0], _INTERNAL) if said else _INTERNAL


def _status(span: ExportedSpan) -> dict[str, Any]:
    if span.level != "error":
        return {}
    return {"code": _ERROR, "message": span.status_message or ""}


def _micros(time: datetime) -> int:
    return (time - EPOCH) // _MICRO
