"""How a stored span was understood: which attribute told which field by whose rule, and the rest.

Pure, and made anew from what is stored: the names that fields tell, the attributes that stayed,
and the dialects' rules. So nothing is written for it, and old spans are explained too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from tracer.records import Json, SpanRecord
from tracer.wire.clean import decode_text
from tracer.wire.dialects.table import EVENT, EXCLUSIVE, NAME, REPORTS, micros
from tracer.wire.spans.resolution import EVENT_NAMES, MERGED, SPAN_TABLE, Step, dialects_of, resolve
from tracer.wire.usage.explain import explain as explain_usage
from tracer.wire.usage.names import bucket_of

MOST_SHOWN: Final = 200
"""Characters of a value."""

# Objects whose parts are fields to a reader.
_PARTED: Final = MERGED | {"usage", "cost", "model_parameters"}
# Parts of these have the sender's names, of which several may mean one bucket.
_COUNTED: Final = ("usage", "cost")
_ANY: Final = ("input", "output")
# Rules have words of their own for what only leads to a field.
_FIELD_OF: Final = {
    "kind_hint": "kind",
    "level_hint": "level",
    "first_token_delay": "first_token_time",
    "pending": "status",
    "pending_parent": "parent_span_id",
    "annotations": "scores",
    "annotations_of_trace": "scores",
    "annotations_of_session": "scores",
    "as_root": "trace",
}


class Told(msgspec.Struct, kw_only=True):
    """One field that an attribute told."""

    field: Annotated[str, Meta(description="a span's field; after `trace.` one of its trace")]
    value: Annotated[Any, Meta(description="as it became; of a long one the beginning, as text")]
    dialect: str
    rule: Annotated[str, Meta(description="the name in the dialect's table; * ends a prefix")]


class Understood(msgspec.Struct, kw_only=True):
    """What told fields: an attribute, or an event as `event:name#place`, or the `(name)`."""

    attribute: str
    kept: Annotated[bool, Meta(description="it says more than the fields, and stays as well")]
    told: Annotated[list[Told], Meta(description="empty: an earlier version's rules knew it")]


class Unmapped(msgspec.Struct, kw_only=True):
    """An attribute that told nothing."""

    attribute: str
    value: Annotated[Any, Meta(description="of a long one the beginning, as text")]
    why: str


class Mapping(msgspec.Struct, kw_only=True):
    """How a span was understood; each attribute that was sent is in one of the lists, once."""

    dialect: Annotated[str | None, Meta(description="the one that was understood first")]
    usage: Annotated[
        list[str], Meta(description="what the counts contradict, lack or name beside tokens")
    ]
    understood: list[Understood]
    unmapped: list[Unmapped]
    events: Annotated[list[str], Meta(description="events whose attributes were read as well")]


def explain(span: Any, trace: Any = None) -> Mapping:
    """Return how ``span`` was understood: a SpanRecord, or a row with the fields of one.

    ``trace`` has the values of the trace's fields.
    """
    reader = _Reader(span, trace)
    known, silent = reader.sort()
    understood = dict.fromkeys((*span.claimed, *known))
    return Mapping(
        dialect=span.dialect,
        usage=explain_usage(span.notes.get("usage") or {}),
        understood=[
            Understood(attribute=name, kept=name in span.attributes, told=known.get(name, []))
            for name in understood
        ],
        unmapped=[
            Unmapped(attribute=name, value=_short(value), why=reader.why(silent.get(name, [])))
            for name, value in span.attributes.items()
            if name not in understood
        ],
        events=list(dict.fromkeys(name for name in _names(span.events) if name in EVENT_NAMES)),
    )


class _Reader:
    """Compares what the rules would make of a span with what it has become."""

    def __init__(self, span: Any, trace: Any) -> None:
        self._span = span
        self._trace = trace
        self._within = dialects_of(str(span.scope.get("name") or ""))
        note = span.notes.get("name")
        name = note["sent"] if isinstance(note, dict) and "sent" in note else span.name
        self._stayed: dict[str, Json] = {**span.attributes, NAME: name}
        # Events that told something have lost their attributes, and so are no longer here.
        self._events: dict[str, Json] = {}
        for place, (event, called) in enumerate(zip(span.events, _names(span.events), strict=True)):
            key = f"{EVENT}{called}#{place}"
            self._events[key] = event
            if event.get("attributes"):
                moment = micros(event.get("time")) or 0
                self._stayed[key] = {**event, "time_ns": moment * 1_000}
        self._again = resolve(SPAN_TABLE, [span.attributes], self._within, name).fields
        self._teller: dict[str, Step] = {}
        """By field: what told it first."""
        # A thousand attributes may tell parts of one large value: it is looked at once.
        self._shown: dict[str, Json] = {}
        self._rebuilt: dict[str, bool] = {}

    def sort(self) -> tuple[dict[str, list[Told]], dict[str, list[Step]]]:
        """Return what each name told, and the steps of names that told nothing."""
        known: dict[str, list[Told]] = {}
        silent: dict[str, list[Step]] = {}
        sent = dict.fromkeys(self._span.claimed) | self._span.attributes
        for step in SPAN_TABLE.plan([sent, self._events], self._within).steps:
            if step.part == EXCLUSIVE:
                continue
            field, became = self._field(step)
            if not self._told(step, field, became):
                silent.setdefault(step.key, []).append(step)
                continue
            self._teller.setdefault(field, step)
            if field not in self._shown:
                self._shown[field] = _short(became)
            told = Told(
                field=field, value=self._shown[field], dialect=step.dialect, rule=step.rule.key
            )
            known.setdefault(step.key, []).append(told)
        return known, silent

    def why(self, steps: list[Step]) -> str:
        """Return why an attribute of these steps told nothing."""
        if not steps:
            return "no dialect knows this name"
        for step in steps:
            field, _ = self._field(step)
            teller = self._teller.get(field) or self._teller.get(field.partition(".")[0])
            if teller and self._parsed(step) is not None:
                return f"{teller.key} told {field} otherwise"
        return f"its value does not tell {self._field(steps[0])[0]}"

    def _field(self, step: Step) -> tuple[str, Json]:
        """Return the reader's name of the field that ``step`` tells, and what it has become."""
        field = _FIELD_OF.get(step.rule.field, step.rule.field)
        owner, name = (self._trace, field[6:]) if field[:6] == "trace." else (self._span, field)
        value = getattr(owner, name, None)
        part = step.part
        if part is None or part[:1] == "(" or field not in _PARTED:
            return field, value
        if field in _COUNTED:
            part = bucket_of(part, money=field == "cost")
        return f"{field}.{part}", value.get(part) if isinstance(value, dict) else None

    def _told(self, step: Step, field: str, became: Json) -> bool:
        name = field.partition(".")[0]
        of_span = name in SpanRecord.__struct_fields__
        if step.key not in self._stayed:
            # It is gone because every field it spoke of says what it said, if that was anything.
            return not of_span or _is_set(field, became)
        said = self._parsed(step)
        if said is None or said == became:
            return said is not None and (not of_span or _is_set(name, said))
        if not of_span:
            # Many spans speak of a trace: what that has may be the word of another.
            first = self._teller.get(field)
            parts = first is not None and first.rule.build is not None
            return step.rule.keep and (first is None or (parts and step.rule.build is not None))
        if step.part == REPORTS:
            # A provider's report is weighed with the counts beside it, and need not be their like.
            return bool(self._span.usage)
        if step.rule.build is not None and step.part is not None:
            if name not in self._rebuilt:
                own = getattr(self._span, name)
                self._rebuilt[name] = _is_set(name, own) and own == self._again.get(name)
            return self._rebuilt[name]
        if field in MERGED and isinstance(said, dict):
            return bool(said.items() <= self._span.metadata.items())
        return False

    def _parsed(self, step: Step) -> Json:
        value = self._stayed[step.key]
        if step.rule.json and isinstance(value, str):
            value, _ = decode_text(value)
        return value if step.rule.parse is None else step.rule.parse(value)


def _is_set(field: str, value: Json) -> bool:
    # An empty object or list is a value where any JSON may stand, else it is a field's default.
    return value is not None and (value not in ({}, []) or field in _ANY or "." in field)


def _names(events: list[Json]) -> list[str]:
    return [str(event.get("name")) for event in events]


def _short(value: Json) -> Json:
    """Return a value that JSON can say, of a long one the beginning of its text."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > MOST_SHOWN:
        return text[:MOST_SHOWN] + "…"
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value
