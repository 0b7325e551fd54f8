"""Converts an OTLP span to its SpanRecord and the fields of its trace."""

from __future__ import annotations

from typing import Final

from tracer.messages.finish_reasons import finish_reasons
from tracer.records import RANK_IMPLIED, RANK_RESOURCE, RANK_SPAN, SUMMING, Json, SpanRecord
from tracer.wire.dialects.gen_ai_events import tool_arguments, tool_result
from tracer.wire.dialects.parsers import MAX_MICROS
from tracer.wire.spans.events import events_to_store, exception, sources_of
from tracer.wire.spans.first_token import first_token_time
from tracer.wire.spans.raw import Bad, Context, RawLog, RawSpan
from tracer.wire.spans.resolution import AGGREGATING, SPAN_TABLE, Resolution, resolve
from tracer.wire.spans.scores import scores_of
from tracer.wire.spans.trace_facts import TraceFacts, note_time
from tracer.wire.usage.reading import UNRECONCILED

STATUS_ERROR: Final = 2

_GENERATION_FIELDS: Final = ("prompt_name", "prompt_version")
_NO_TRACE: Final = bytes(16)
_NO_ID: Final = (b"", bytes(8))


def read_span(raw: RawSpan, context: Context, traces: TraceFacts, now: int) -> SpanRecord:
    """Return the record of ``raw``, and add the fields of its trace to ``traces``.

    ``now`` (microseconds) is the start of a span without times. Raises Bad.
    """
    trace_id, span_id = own_ids(raw)
    parent_id = None if raw.parent_id in _NO_ID else _parent_id(raw)
    start, end = _times(raw, now)
    sources = [raw.attributes]
    if raw.events:
        sources += sources_of(raw.events)
    resolution = resolve(SPAN_TABLE, sources, context.dialects, raw.name)
    kind = _decide_kind(resolution)
    fields = resolution.fields
    error = raw.status_code == STATUS_ERROR
    first_token, is_outside = None, False
    if "first_token_time" in fields or "first_token_delay" in fields:
        first_token, is_outside = first_token_time(resolution, start, end)
    attributes, consumed, dialect = resolution.partition(raw.attributes)
    record = SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        start_time=start,
        end_time=end,
        version=start if end is None else end,
        kind=kind,
        name=fields.get("name", raw.name),
        level=fields.get("level") or ("error" if error else fields.get("level_hint", "default")),
        status_message=fields.get("status_message") or raw.status_message or None,
        first_token_time=first_token,
        metadata=_metadata(context, fields) if context.metadata else fields.get("metadata", {}),
        attributes=attributes,
        links=raw.links,
        resource=context.resource,
        scope=context.scope,
        dialect=dialect,
        claimed=consumed,
    )
    resolution.set_record_fields(record)
    if record.model is None:
        record.model = record.requested_model
    if kind == "generation":
        # Only messages contain reasons, and a text is no message.
        if not record.finish_reasons and isinstance(record.output, (dict, list)):
            record.finish_reasons = finish_reasons(record.output)
        if not record.finish_reasons and "answer_reasons" in fields:
            record.finish_reasons = fields["answer_reasons"]
    elif kind == "tool" and raw.events:
        record.input = tool_arguments(record.input)
        record.output = tool_result(record.output)
    if record.cost:
        record.cost_source = "given"
    if kind in SUMMING and (record.usage or record.cost):
        reporting = resolution.dialect_of("usage") or resolution.dialect_of("cost")
        record.echo = reporting in AGGREGATING
    if raw.events:
        record.events = events_to_store(raw.events, resolution)
    if error and record.status_message is None:
        record.status_message = exception(raw.events)
    if resolution.has_rare_fields and "pending" in fields and parent_id is not None:
        _become_running(record, parent_id, fields.get("pending_parent"))
    if _has_notes(record, raw, resolution):
        _flag(record, raw, resolution)
    if is_outside:
        record.flags = [*record.flags, "first_token_outside"]
        if first_token is None:
            record.notes = {**record.notes, "first_token_time": {"outside": True}}
    if resolution.has_trace_facts or context.trace:
        _add_trace_facts(record, resolution, context, traces)
    if resolution.has_rare_fields:
        traces.scores += scores_of(record, fields)
    return record


def _become_running(record: SpanRecord, span_id: str, parent_id: Json) -> None:
    """Turn the record into the running span ``span_id``; it was sent as a child of that span."""
    record.span_id = span_id
    record.parent_span_id = None if parent_id in (None, span_id, _NO_ID[1].hex()) else parent_id
    record.end_time = None
    record.version = record.start_time


def _metadata(context: Context, fields: dict[str, Json]) -> dict[str, Json]:
    own: dict[str, Json] = fields.get("metadata", {})
    return {**context.metadata, **own}


def ids_of(raw: RawSpan) -> tuple[str, str, str | None]:
    """Return the ids of the trace, the span and its parent as hex. Raises Bad."""
    trace_id, span_id = own_ids(raw)
    return trace_id, span_id, None if raw.parent_id in _NO_ID else _parent_id(raw)


def _parent_id(raw: RawSpan) -> str | None:
    """Return the parent's id as hex; None: the span names itself. Raises Bad."""
    parent_id = raw.parent_id
    if len(parent_id) != 8:
        raise Bad("parentSpanId", f"expected 8 bytes or none, got {_id(parent_id)}")
    return None if parent_id == raw.span_id else parent_id.hex()


def own_ids(raw: RawSpan | RawLog) -> tuple[str, str]:
    """Return the ids of the trace and the span as hex. Raises Bad."""
    trace_id, span_id = raw.trace_id, raw.span_id
    if len(trace_id) != 16 or trace_id == _NO_TRACE:
        raise Bad("traceId", f"expected 16 bytes that are not all zero, got {_id(trace_id)}")
    if len(span_id) != 8 or span_id in _NO_ID:
        raise Bad("spanId", f"expected 8 bytes that are not all zero, got {_id(span_id)}")
    return trace_id.hex(), span_id.hex()


def _id(value: bytes) -> str:
    return f"{len(value)} bytes" if any(value) or not value else f"{len(value)} zero bytes"


def _times(raw: RawSpan, now: int) -> tuple[int, int | None]:
    start, end = raw.start_ns // 1_000, raw.end_ns // 1_000
    if not 0 <= start <= MAX_MICROS:
        raise Bad("startTimeUnixNano", "expected nanoseconds between the years 1970 and 9999")
    if not 0 <= end <= MAX_MICROS:
        raise Bad("endTimeUnixNano", "expected nanoseconds between the years 1970 and 9999")
    return start or end or now, end or None


def _decide_kind(resolution: Resolution) -> str:
    """Return the kind, and remove the fields that have no meaning for it."""
    fields = resolution.fields
    kind: str = fields.get("kind") or _likely_kind(fields)
    if kind != "span" and "weak_kind" in fields:
        # Otherwise the mapping would show that the attribute set the kind.
        resolution.remove_field("weak_kind")
    if kind != "generation":
        for field in _GENERATION_FIELDS:
            if field in fields:
                resolution.remove_field(field)
    return kind


def _likely_kind(fields: dict[str, Json]) -> str:
    if "model" in fields or "requested_model" in fields:
        return "generation"
    return str(fields.get("kind_hint", "span"))


def _has_notes(record: SpanRecord, raw: RawSpan, resolution: Resolution) -> bool:
    """Return whether `_flag` has anything to add to the record."""
    end = record.end_time
    return bool(
        record.name != raw.name
        or raw.notes
        or resolution.notes
        or resolution.field_notes
        or raw.dropped
        or raw.parent_id == raw.span_id
        or (end is not None and end < record.start_time)
    )


def _flag(record: SpanRecord, raw: RawSpan, resolution: Resolution) -> None:
    flags: list[str] = []
    notes: dict[str, Json] = {}
    if raw.notes or resolution.notes:
        fields = {step.key: step.rule.field for step in resolution.accepted_steps}
        for key, note in {**raw.notes, **resolution.notes}.items():
            notes[fields.get(key, key)] = note
        for note in notes.values():
            for flag in ("truncated", "cleaned"):
                if (
                    flag in note or (flag == "truncated" and note.keys() & {"depth", "keys"})
                ) and flag not in flags:
                    flags.append(flag)
    if resolution.field_notes:
        notes |= {
            name: {**notes.get(name, {}), **note} for name, note in resolution.field_notes.items()
        }
        if any(UNRECONCILED in note for note in resolution.field_notes.values()):
            flags.append(UNRECONCILED)
    if raw.parent_id == raw.span_id:
        flags.append("self_parent")
        notes["parent_span_id"] = {"self_parent": True, "sent": raw.parent_id.hex()}
    if record.end_time is not None and record.end_time < record.start_time:
        flags.append("end_before_start")
    if raw.dropped:
        flags.append("dropped")
        notes["dropped"] = raw.dropped
    if record.name != raw.name:
        notes["name"] = {**notes.get("name", {}), "sent": raw.name}
    if flags or notes:
        record.flags, record.notes = flags, notes


def _add_trace_facts(
    record: SpanRecord, resolution: Resolution, context: Context, traces: TraceFacts
) -> None:
    if fields := resolution.trace():
        traces.add(record, RANK_SPAN, fields, context.process)
    if resolution.fields.get("as_root"):
        traces.add(record, RANK_IMPLIED, _implied(record), context.process)
    if not context.trace:
        return
    fact = context.resource_facts.get(record.trace_id)
    if fact is None:
        context.resource_facts[record.trace_id] = traces.add(
            record, RANK_RESOURCE, context.trace, context.process
        )
    elif record.start_time > fact.version:
        fact.version = record.start_time
    elif record.start_time < fact.version:
        note_time(fact, record.start_time)


def _implied(record: SpanRecord) -> dict[str, Json]:
    """Return the trace fields implied by a span that stands in for the root."""
    payloads = {"input": record.input, "output": record.output}
    return {
        "name": record.name,
        **{side: value for side, value in payloads.items() if value is not None},
    }
