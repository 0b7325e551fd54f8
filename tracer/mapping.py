"""Attribute mapping of a stored span: which attribute set which field under which dialect's rule.

Recomputed from stored data: the fields, the names of the consumed attributes, the remaining
attributes, and the rules. So nothing is stored for it, and it works for old spans too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from tracer import exact_json
from tracer.records import Json, SpanRecord
from tracer.times import json_time
from tracer.wire.clean import decode_text
from tracer.wire.dialects.parsers import micros
from tracer.wire.dialects.table import EVENT, NAME
from tracer.wire.dialects.usage_rules import EXCLUSIVE, REPORTS
from tracer.wire.spans.resolution import EVENT_NAMES, MERGED, SPAN_TABLE, Step, dialects_of, resolve
from tracer.wire.usage.names import usage_type_of
from tracer.wire.usage.note_sentences import note_sentences

MAX_CHARACTERS: Final = 200
"""Characters of a value that are shown."""

# Objects whose members are shown as separate fields.
_SPLIT_FIELDS: Final = MERGED | {"usage", "cost", "model_parameters"}
# Members of these have the sender's names, of which several may mean one usage type.
_BY_USAGE_TYPE: Final = ("usage", "cost")
_JSON_FIELDS: Final = ("input", "output")
# Intermediate fields of the rules, and the span fields that are derived from them.
_FIELD_OF: Final = {
    "kind_hint": "kind",
    "weak_kind": "kind",
    "level_hint": "level",
    "first_token_delay": "first_token_time",
    "pending": "status",
    "pending_parent": "parent_span_id",
    "annotations": "scores",
    "annotations_of_trace": "scores",
    "annotations_of_session": "scores",
    "as_root": "trace",
}


class MappedField(msgspec.Struct, kw_only=True):
    """A field that an attribute set."""

    field: Annotated[str, Meta(description="a span's field; after `trace.` one of its trace")]
    value: Annotated[
        Any, Meta(description="the field's value; of a long value the beginning, as text")
    ]
    dialect: str
    rule: Annotated[str, Meta(description="the name in the dialect's table; * ends a prefix")]


class MappedAttribute(msgspec.Struct, kw_only=True):
    """A mapped attribute, an event (`event:name#index`) or the span's name (`(name)`)."""

    attribute: str
    kept: Annotated[
        bool, Meta(description="it has information beyond the fields, and is stored as well")
    ]
    fields: Annotated[
        list[MappedField], Meta(description="empty: mapped by an earlier version of the rules")
    ]


class UnmappedAttribute(msgspec.Struct, kw_only=True):
    """An attribute that set no field."""

    attribute: str
    value: Annotated[Any, Meta(description="of a long value the beginning, as text")]
    why: str


class Mapping(msgspec.Struct, kw_only=True):
    """The attribute mapping of a span; each sent attribute is in exactly one of the lists."""

    dialect: Annotated[str | None, Meta(description="the dialect of the first mapped attribute")]
    usage: Annotated[
        list[str],
        Meta(description="remarks on the token counts: contradictions, missing or other counts"),
    ]
    mapped: list[MappedAttribute]
    unmapped: list[UnmappedAttribute]
    events: Annotated[list[str], Meta(description="events whose attributes were mapped too")]


def mapping_of(span: Any, trace: Any = None) -> Mapping:
    """Return the attribute mapping of ``span``: a SpanRecord, or a row with the same fields.

    ``trace``: an object with the trace's fields; None: the mapping of trace fields stays unknown.
    """
    comparison = _Comparison(span, trace)
    fields_set, unused_steps = comparison.sort()
    mapped = dict.fromkeys((*span.claimed, *fields_set))
    return Mapping(
        dialect=span.dialect,
        usage=note_sentences(span.notes.get("usage") or {}),
        mapped=[
            MappedAttribute(
                attribute=name, kept=name in span.attributes, fields=fields_set.get(name, [])
            )
            for name in mapped
        ],
        unmapped=[
            UnmappedAttribute(
                attribute=name, value=_short(value), why=comparison.why(unused_steps.get(name, []))
            )
            for name, value in span.attributes.items()
            if name not in mapped
        ],
        events=list(dict.fromkeys(name for name in _names(span.events) if name in EVENT_NAMES)),
    )


class _Comparison:
    """Compares the fields that the rules would set with the fields of the stored span."""

    def __init__(self, span: Any, trace: Any) -> None:
        self._span = span
        self._trace = trace
        self._dialects = dialects_of(span.scope, span.resource)
        note = span.notes.get("name")
        name = note["sent"] if isinstance(note, dict) and "sent" in note else span.name
        self._remaining: dict[str, Json] = {**span.attributes, NAME: name}
        # The attributes of mapped events are consumed, and so not stored any more.
        self._events: dict[str, Json] = {}
        for index, (event, event_name) in enumerate(
            zip(span.events, _names(span.events), strict=True)
        ):
            key = f"{EVENT}{event_name}#{index}"
            self._events[key] = event
            if event.get("attributes"):
                moment = micros(event.get("time")) or 0
                self._remaining[key] = {**event, "time_ns": moment * 1_000}
        self._remapped = resolve(SPAN_TABLE, [span.attributes], self._dialects, name).fields
        self._source: dict[str, Step] = {}
        """Field -> the first step that set it."""
        # Cached by field: a thousand attributes may set members of one large value.
        self._shown: dict[str, Json] = {}
        self._rebuilt: dict[str, bool] = {}

    def sort(self) -> tuple[dict[str, list[MappedField]], dict[str, list[Step]]]:
        """Return by attribute name the fields that it set, and the steps that set no field."""
        fields_set: dict[str, list[MappedField]] = {}
        unused_steps: dict[str, list[Step]] = {}
        sent = dict.fromkeys(self._span.claimed) | self._span.attributes
        for step in SPAN_TABLE.plan([sent, self._events], self._dialects).steps:
            if step.part == EXCLUSIVE:
                continue
            field, value = self._field(step)
            if not self._has_set(step, field, value):
                unused_steps.setdefault(step.key, []).append(step)
                continue
            self._source.setdefault(field, step)
            if field not in self._shown:
                self._shown[field] = _short(value)
            mapped = MappedField(
                field=field, value=self._shown[field], dialect=step.dialect, rule=step.rule.key
            )
            fields_set.setdefault(step.key, []).append(mapped)
        return fields_set, unused_steps

    def why(self, steps: list[Step]) -> str:
        """Return why an attribute with these steps set no field."""
        if not steps:
            return "no dialect has a rule for this name"
        for step in steps:
            field, _ = self._field(step)
            source = self._source.get(field) or self._source.get(field.partition(".")[0])
            if source and self._parsed(step) is not None:
                return f"{source.key} set {field} to another value"
        return f"its value can't be mapped to {self._field(steps[0])[0]}"

    def _field(self, step: Step) -> tuple[str, Json]:
        """Return the shown name of the field that ``step`` sets, and the field's value."""
        field = _FIELD_OF.get(step.rule.field, step.rule.field)
        owner, name = (self._trace, field[6:]) if field[:6] == "trace." else (self._span, field)
        value = getattr(owner, name, None)
        part = step.part
        if part is None or part[:1] == "(" or field not in _SPLIT_FIELDS:
            return field, value
        if field in _BY_USAGE_TYPE:
            part = usage_type_of(part, money=field == "cost")
        return f"{field}.{part}", value.get(part) if isinstance(value, dict) else None

    def _has_set(self, step: Step, field: str, value: Json) -> bool:
        name = field.partition(".")[0]
        is_span_field = name in SpanRecord.__struct_fields__
        if step.key not in self._remaining:
            # The attribute was consumed: each field that it maps to has its value.
            return not is_span_field or _is_set(field, value)
        parsed = self._parsed(step)
        if parsed is None or parsed == value:
            # An empty list is a value of metadata, while an empty field is no value.
            is_set = "." in field or _is_set(name, parsed)
            return parsed is not None and (not is_span_field or is_set)
        if not is_span_field:
            # Many spans set fields of their trace: its value may come from another span.
            first = self._source.get(field)
            parts = first is not None and first.rule.build is not None
            return step.rule.keep and (first is None or (parts and step.rule.build is not None))
        if step.part == REPORTS:
            # A provider's report is combined with other counts, so the result may differ from it.
            return bool(self._span.usage)
        if step.rule.build is not None and step.part is not None:
            if name not in self._rebuilt:
                stored = getattr(self._span, name)
                self._rebuilt[name] = _is_set(name, stored) and stored == self._remapped.get(name)
            return self._rebuilt[name]
        if field in MERGED and isinstance(parsed, dict):
            return bool(parsed.items() <= self._span.metadata.items())
        return False

    def _parsed(self, step: Step) -> Json:
        value = self._remaining[step.key]
        if step.rule.json and isinstance(value, str):
            value, _ = decode_text(value)
        return value if step.rule.parse is None else step.rule.parse(value)


def _is_set(field: str, value: Json) -> bool:
    # Empty objects and lists are values of JSON fields, but the default of other fields.
    return value is not None and (value not in ({}, []) or field in _JSON_FIELDS or "." in field)


def _names(events: list[Json]) -> list[str]:
    return [str(event.get("name")) for event in events]


def _short(value: Json) -> Json:
    """Return a value as JSON data; of a long one, the beginning of its text."""
    text = value if isinstance(value, str) else exact_json.encode(value).decode()
    if len(text) > MAX_CHARACTERS:
        return text[:MAX_CHARACTERS] + "…"
    if isinstance(value, datetime):
        return json_time(value)
    return value
