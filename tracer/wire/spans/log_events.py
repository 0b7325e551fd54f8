"""GenAI events sent as OTLP log records: each becomes an addition to its span, or a score."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import Final

import msgspec

from tracer import exact_json
from tracer.merging.log_events import LARGE, key_of
from tracer.messages.finish_reasons import finish_reasons
from tracer.records import Json, ScoreRecord, SpanPatch
from tracer.times import short_json_time
from tracer.wire.clean import decode_text
from tracer.wire.dialects.parsers import MAX_MICROS
from tracer.wire.dialects.table import EVENT
from tracer.wire.spans.raw import Bad, Context, RawLog
from tracer.wire.spans.record import own_ids
from tracer.wire.spans.resolution import EVENT_NAMES, MAPPED_EVENTS, SPAN_TABLE, Resolution, resolve
from tracer.wire.spans.scores import scores_of_events

GENAI: Final = "gen_ai."
BODY: Final = "body"
"""The attribute of an event that holds the body of its log record."""

_encode: Final = exact_json.encode_deterministic
_ABOUT: Final = ("gen_ai.system", "gen_ai.provider.name", "event.domain")
"""Attributes of the record that are not part of the message."""


class LogEvent(msgspec.Struct):
    """The addition of a log record to its span, and the record's scores."""

    patch: SpanPatch
    scores: list[ScoreRecord]


def is_event_of_span(raw: RawLog) -> bool:
    """Return whether the record is a GenAI event with a span id; no others are stored."""
    return name_of(raw).startswith(GENAI) and any(raw.trace_id) and any(raw.span_id)


def name_of(raw: RawLog) -> str:
    """Return the event's name; before OTLP 1.5 it was an attribute."""
    name = raw.name or raw.attributes.get("event.name")
    return name if isinstance(name, str) else ""


def read_log(
    raw: RawLog, context: Context, position: int, repeats: Counter[str], now: int
) -> LogEvent:
    """Return the addition of the event to its span; ``position`` is its index in the request.

    ``repeats`` counts equal events of the request, because each of them is an event of its own.
    ``now`` (microseconds) is the time of an event without one. Raises Bad.
    """
    trace_id, span_id = own_ids(raw)
    micros = raw.time_ns // 1_000
    if not 0 <= micros <= MAX_MICROS:
        raise Bad("timeUnixNano", "expected nanoseconds between the years 1970 and 9999")
    name, attributes = name_of(raw), _attributes(raw)
    event = {"name": name, "time_ns": raw.time_ns, "attributes": _content(attributes)}
    resolution = resolve(SPAN_TABLE, _sources(event, attributes), context.dialects)
    digest = sha256(_encode((trace_id, span_id, event, attributes))).hexdigest()[:16]
    key = key_of(raw.time_ns, f"{digest}-{repeats[digest]}")
    repeats[digest] += 1
    fields, rest = _fields(resolution, attributes)
    addition = {
        "position": position,
        "size": len(_encode((fields, rest))),
        "name": name,
        "time": short_json_time(micros) if micros else None,
        "attributes": rest,
        "fields": fields,
        "flags": _flags(raw),
    }
    patch = SpanPatch(
        trace_id=trace_id,
        span_id=span_id,
        version=micros or now,
        fields={"logs": {key: addition}},
    )
    return LogEvent(patch, scores_of_events(patch, resolution.fields.get("scores", []), key))


def _attributes(raw: RawLog) -> dict[str, Json]:
    """Return the record's attributes and, unless it is empty, its body."""
    attributes = {name: raw.attributes[name] for name in raw.attributes if name != "event.name"}
    body, _ = decode_text(raw.body) if isinstance(raw.body, str) else (raw.body, None)
    return attributes if body in (None, "", {}, []) else {**attributes, BODY: body}


def _content(attributes: dict[str, Json]) -> dict[str, Json]:
    """Return the attributes that a span event of this name would have."""
    body = attributes.get(BODY)
    if isinstance(body, dict):
        return body
    own = {name: attributes[name] for name in attributes if name not in (BODY, *_ABOUT)}
    return own if body is None else {**own, "content": body}


def _sources(event: dict[str, Json], attributes: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the sources of rules, as `resolve` takes them; the span's attributes are empty."""
    sources: list[dict[str, Json]] = [{}]
    name = event["name"]
    if name in EVENT_NAMES:
        body = attributes.get(BODY)
        sources.append({**attributes, **(body if isinstance(body, dict) else {})})
    if name in MAPPED_EVENTS:
        sources.append({f"{EVENT}{name}#0000": event})
    return sources


def _fields(
    resolution: Resolution, attributes: dict[str, Json]
) -> tuple[dict[str, list[Json]], dict[str, Json]]:
    """Return [attribute, value] by field of the span, and the attributes that remain.

    Attributes other than content stay with the event, because the span has them itself.
    """
    fields: dict[str, list[Json]] = {}
    moved: set[str] = set()
    for step in resolution.accepted_steps:
        field = step.rule.field
        if field not in LARGE or field not in resolution.fields:
            continue
        if step.key.startswith(EVENT):
            moved |= {BODY} if BODY in attributes else attributes.keys() - set(_ABOUT)
            fields.setdefault(field, [BODY, resolution.fields[field]])
        else:
            moved.add(step.key)
            fields.setdefault(field, [step.key, resolution.fields[field]])
    sent_reasons = resolution.fields.get("finish_reasons")
    if reasons := sent_reasons or finish_reasons(resolution.fields.get("output")):
        fields["finish_reasons"] = [None, reasons]
    return fields, {name: value for name, value in attributes.items() if name not in moved}


def _flags(raw: RawLog) -> list[str]:
    kinds = {"truncated": ("truncated", "depth"), "cleaned": ("cleaned",)}
    return [
        flag
        for flag, signs in kinds.items()
        if any(sign in note for note in raw.notes.values() for sign in signs)
    ]
