"""The checked requests of our own JSON API to records: cleaned, in microseconds, in our words."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from msgspec import UnsetType

from tracer.records import (
    RANK_CREATE,
    RANK_UPDATE,
    TRACE_FIELDS,
    Batch,
    Json,
    Refusal,
    ScoreRecord,
    SpanPatch,
    SpanRecord,
    TraceRecord,
    WireError,
)
from tracer.wire.clean import clean
from tracer.wire.reading import read_item, read_json
from tracer.wire.requests import (
    MAX_ITEMS,
    BatchEnvelope,
    BatchSpan,
    ScoreCreate,
    SpanCreate,
    SpanEvent,
    SpanUpdate,
    TraceCreate,
    TraceUpdate,
    as_utc,
    micros,
)
from tracer.wire.usage import BUCKETS, disjoint

_OBJECTS: Final = ("metadata", "attributes", "model_parameters")
_TIMES: Final = {
    "start_time": "start_time",
    "end_time": "end_time",
    "completion_start_time": "first_token_time",
}


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """When a request came (microseconds since the epoch), and how long its values may be."""

    time: int
    max_value_bytes: int


@dataclass(kw_only=True)
class Result:
    """What became of one item of a batch: its place, its id, or why it was refused."""

    item: str
    id: str | None = None
    trace_id: str | None = None
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(kw_only=True)
class DecodedBatch:
    """The records of a batch, and a result per item; ``places`` leads from record to result."""

    batch: Batch
    results: list[Result]
    places: dict[tuple[str, int], int]
    """(list of the batch, index in it) to the index within ``results``."""


def span_record(
    sent: SpanCreate, trace_id: str, receipt: Receipt, kind: str | None = None
) -> SpanRecord:
    """Return the record of a new span; ``kind`` is what the route it came by asks for.

    Raises WireError where the kind is another, or an event is given a duration.
    """
    values, notes = _span_values(sent, receipt, kind)
    values = {name: value for name, value in values.items() if value is not None}
    values.setdefault("start_time", receipt.time)
    if values.get("kind") == "event":
        values["end_time"] = values["start_time"]
    return SpanRecord(
        trace_id=trace_id,
        span_id=sent.id or secrets.token_hex(8),
        version=receipt.time,
        flags=_flags(notes),
        notes=notes,
        **values,
    )


def span_patch(
    sent: SpanUpdate, trace_id: str, span_id: str, receipt: Receipt, kind: str | None = None
) -> SpanPatch:
    """Return the patch of the fields that were sent; null clears a field.

    Raises WireError as `span_record`, and where the start time is null.
    """
    if sent.start_time is None:
        raise _refused("start_time", "expected a time, got null")
    values, notes = _span_values(sent, receipt, kind)
    if values.get("kind") == "event" and "start_time" in values:
        values["end_time"] = values["start_time"]
    if notes:
        values |= {"flags": _flags(notes), "notes": notes}
    return SpanPatch(trace_id=trace_id, span_id=span_id, version=receipt.time, fields=values)


def trace_record(sent: TraceUpdate, trace_id: str, receipt: Receipt) -> TraceRecord:
    """Return what was said of a trace; an update outranks a create, and replaces the tags."""
    update = not isinstance(sent, TraceCreate)
    said: dict[str, Json] = {}
    for name, value in sent.said().items():
        if name in ("start_time", "end_time") and value is not None:
            value = micros(value, name)
        # A create can't mean to clear anything, so its nulls are as good as absent.
        if value is not None or update:
            said[name] = _cleaned(name, value, receipt, {})
    return TraceRecord(
        trace_id=trace_id,
        rank=RANK_UPDATE if update else RANK_CREATE,
        version=receipt.time,
        fields={name: value for name, value in said.items() if name in TRACE_FIELDS},
        tags=said.get("tags") or [],
        replace_tags=update and "tags" in said,
        metadata=said.get("metadata") or {},
    )


def score_record(sent: ScoreCreate, receipt: Receipt) -> ScoreRecord:
    """Return the record of a score, its data type taken from the value where none is named."""
    data_type = _given(sent.data_type) or _data_type(sent.value)
    number = data_type in ("numeric", "boolean")
    text = {
        "name": sent.name,
        "comment": _given(sent.comment),
        "metadata": _given(sent.metadata) or {},
        "string_value": None if number else sent.value,
    }
    text = {name: _cleaned(name, value, receipt, {}) for name, value in text.items()}
    return ScoreRecord(
        score_id=sent.id or secrets.token_hex(16),
        data_type=data_type,
        value=float(sent.value) if number else None,
        trace_id=_given(sent.trace_id),
        span_id=_given(sent.span_id),
        session_id=_given(sent.session_id),
        time=micros(sent.time, "time") if sent.time else receipt.time,
        **text,
    )


def decode_batch(body: bytes, receipt: Receipt) -> DecodedBatch:
    """Return the records of a batch request; an item that does not fit costs only itself.

    Raises WireError for a body that is no batch at all.
    """
    envelope = read_item(read_json(body), BatchEnvelope)
    count = len(envelope.traces) + len(envelope.spans) + len(envelope.scores)
    if count > MAX_ITEMS:
        raise WireError(f"expected at most {MAX_ITEMS} items, got {count}", 413)
    decoded = DecodedBatch(batch=Batch(), results=[], places={})
    repeats: dict[tuple[str, str], int] = {}
    for name, index, value in _items(envelope):
        result = Result(item=f"{name}[{index}]")
        try:
            _take(decoded, result, name, value, receipt, repeats)
        except WireError as error:
            result.refusals = error.refusals
        decoded.results.append(result)
    return decoded


def _items(envelope: BatchEnvelope) -> Iterator[tuple[str, int, Json]]:
    for name in envelope.__struct_fields__:
        for index, value in enumerate(getattr(envelope, name)):
            yield name, index, value


def _take(
    decoded: DecodedBatch,
    result: Result,
    name: str,
    value: Json,
    receipt: Receipt,
    repeats: dict[tuple[str, str], int],
) -> None:
    batch = decoded.batch
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        result.id = value["id"]
    if name == "traces":
        trace = read_item(value, TraceCreate, result.item)
        record = trace_record(trace, trace.id or secrets.token_hex(16), receipt)
        batch.traces.append(record)
        result.id = record.trace_id
        place = ("traces", len(batch.traces) - 1)
    elif name == "spans":
        sent = read_item(value, BatchSpan, result.item)
        span = span_record(sent, sent.trace_id, receipt)
        # The last of several records of a span is the one that counts, as between requests.
        key = span.trace_id, span.span_id
        span.version += repeats.setdefault(key, 0)
        repeats[key] += 1
        batch.spans.append(span)
        result.id, result.trace_id = span.span_id, span.trace_id
        place = ("spans", len(batch.spans) - 1)
    else:
        score = score_record(read_item(value, ScoreCreate, result.item), receipt)
        batch.scores.append(score)
        result.id, result.trace_id = score.score_id, score.trace_id
        place = ("scores", len(batch.scores) - 1)
    decoded.places[place] = len(decoded.results)


def _span_values(
    sent: SpanUpdate, receipt: Receipt, kind: str | None
) -> tuple[dict[str, Any], dict[str, Json]]:
    """Return SpanRecord fields (null kept as None), and notes of what had to be cleaned."""
    said = sent.said()
    said.pop("id", None)
    said.pop("trace_id", None)
    said["kind"] = _kind(said.get("kind"), kind)
    if said["kind"] is None:
        del said["kind"]
    if said.get("kind") == "event" and said.get("end_time", sent.start_time) != sent.start_time:
        raise _refused("end_time", "expected none: an event is a moment, its start_time")
    values: dict[str, Any] = {}
    notes: dict[str, Json] = {}
    for name, value in said.items():
        values |= _span_field(name, value, receipt, notes)
    return values, notes


def _span_field(name: str, value: Any, receipt: Receipt, notes: dict[str, Json]) -> dict[str, Any]:
    if name in _TIMES:
        return {_TIMES[name]: micros(value, name) if value is not None else None}
    if name in ("parent_id", "parent_span_id"):
        return {"parent_span_id": value}
    if name == "usage":
        return {"usage": _usage(value, notes) if value else value}
    if name in ("cost", "total_cost"):
        parts = {"total": value} if name == "total_cost" and value is not None else value
        # The shortest text of the float is the decimal that the client wrote.
        cost = {key: Decimal(repr(amount)) for key, amount in (parts or {}).items()}
        return {"cost": cost, "cost_source": "given" if cost else None}
    if name == "metadata" and value is None:
        return {}
    if name == "events":
        return {"events": [_event(event, receipt, notes) for event in value or []]}
    return {name: _cleaned(name, value, receipt, notes)}


def _cleaned(name: str, value: Json, receipt: Receipt, notes: dict[str, Json]) -> Json:
    """Return the value fit to be stored; the values of an open object are bounded one by one."""
    if name in _OBJECTS and isinstance(value, dict):
        return {
            _cleaned(name, key, receipt, notes): _cleaned(f"{name}.{key}", part, receipt, notes)
            for key, part in value.items()
        }
    cleaned, found = clean(value, max_bytes=receipt.max_value_bytes)
    if found:
        notes[clean(name)[0]] = found
    return cleaned


def _usage(sent: dict[str, int], notes: dict[str, Json]) -> dict[str, int]:
    # Who counts "prompt tokens" counts the cached ones among them; our own buckets are disjoint.
    named = {BUCKETS.get(name, name): count for name, count in sent.items()}
    buckets, whole = disjoint(named, inclusive="prompt_tokens" in sent)
    if not whole:
        notes["usage"] = {"total": named["total"]}
    return buckets


def _event(event: SpanEvent, receipt: Receipt, notes: dict[str, Json]) -> dict[str, Json]:
    time = as_utc(event.time, "time").isoformat(timespec="microseconds")
    return {
        "name": _cleaned("events", event.name, receipt, notes),
        "time": time.replace("+00:00", "Z"),
        "attributes": _cleaned("attributes", event.attributes, receipt, notes),
    }


def _kind(sent: str | None, wanted: str | None) -> str | None:
    if sent == "retrieval":
        sent = "retriever"
    if sent and wanted and sent != wanted:
        raise _refused("kind", f"expected {wanted}, as the route says, got {sent}")
    return sent or wanted


def _flags(notes: dict[str, Json]) -> list[str]:
    """Return the flags that sum the notes up: what a reader of the span must know."""
    cut = any("size" in note or "depth" in note for note in notes.values())
    cleaned = any("cleaned" in note for note in notes.values())
    return ["truncated"] * cut + ["cleaned"] * cleaned


def _data_type(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "numeric" if isinstance(value, float) else "categorical"


def _given(value: Any) -> Any:
    return None if isinstance(value, UnsetType) else value


def _refused(name: str, reason: str) -> WireError:
    return WireError(f"{name}: {reason}", refusals=[Refusal(item="", field=name, reason=reason)])
