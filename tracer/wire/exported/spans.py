"""Spans of our own export, back as they were: every field is said, and no dialect is asked.

``tracer.export.otlp`` writes what is read here. It comes over the network like anything else, so
each field is checked before it is believed.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tracer.export.names import ENCODED, NATIVE, PREFIX, SCALARS
from tracer.records import Json, SpanPatch, SpanRecord
from tracer.wire.exported.values import Micros, Version, Word, convert, decode, metadata_keys
from tracer.wire.native.requests import Id, check_id
from tracer.wire.spans.events import events_as_sent
from tracer.wire.spans.raw import Bad, Context, RawSpan
from tracer.wire.spans.record import ids_of
from tracer.wire.spans.trace_facts import TraceFacts

_FINISHED: Final = 1 << 62
_OWN_FLAGS: Final = frozenset(("self_parent", "cycle", "end_before_start", "first_token_outside"))
"""What the store finds out by itself."""

Count = Annotated[int, Meta(ge=0, le=2**53)]
Flag = Annotated[str, Meta(pattern="^[a-z_]{1,40}$")]
Kind = Literal[
    "span",
    "generation",
    "event",
    "agent",
    "chain",
    "tool",
    "function",
    "retriever",
    "embedding",
    "reranker",
    "evaluator",
    "guardrail",
    "database",
    "http",
]


class _Fields(msgspec.Struct, kw_only=True):
    """The fields of a span; null and absent are one, for both leave the default."""

    parent_span_id: Id | None = None
    kind: Kind | None = None
    name: str | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    first_token_time: Micros | None = None
    level: Literal["debug", "default", "warning", "error"] | None = None
    status_message: str | None = None
    model: str | None = None
    requested_model: str | None = None
    provider: str | None = None
    model_parameters: dict[str, Any] | None = None
    usage: dict[str, Count] | None = None
    cost: dict[str, Decimal] | None = None
    cost_source: Literal["given", "computed", "custom"] | None = None
    priced_by: Word | None = None
    call_id: str | None = None
    echo: bool | None = None
    prompt_name: str | None = None
    prompt_version: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    tools: list[Any] | None = None
    finish_reasons: list[str] | None = None
    input: Any = None
    output: Any = None
    metadata: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    events: list[Any] | None = None
    links: list[Any] | None = None
    resource: dict[str, Any] | None = None
    scope: dict[str, Any] | None = None
    dialect: Word | None = None
    claimed: list[str] | None = None
    flags: list[Flag] | None = None
    notes: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.parent_span_id is not None:
            check_id(self.parent_span_id, "parent_span_id")
        for dollars in (self.cost or {}).values():
            if not dollars.is_finite() or dollars.adjusted() > 30:
                raise ValueError("cost: expected a finite number")


class _Patch(msgspec.Struct, kw_only=True):
    """Updates that lie over a span, and what they hide of it."""

    fields: dict[str, Annotated[list[Any], Meta(min_length=1, max_length=2)]]
    """By name the version, and the value unless the span's own field holds it."""
    hidden: dict[str, Any]


class _Place(msgspec.Struct, kw_only=True):
    """Where a span stands, and which record of it this is."""

    trace_id: Id
    span_id: Id
    sent_parent_id: Id | None = None
    version: Version | None = None
    """Precedence in the store; None: only updates of the span have arrived."""
    patch: _Patch | None = None

    def __post_init__(self) -> None:
        for name in ("trace_id", "span_id", "sent_parent_id"):
            if (value := getattr(self, name)) is not None:
                check_id(value, name)


def read_exported(raw: RawSpan, context: Context, facts: TraceFacts) -> SpanRecord | None:
    """Return the record that was exported, None where only updates of the span had arrived.

    Updates that lie over it are added to ``facts``. Raises Bad.
    """
    trace_id, span_id, parent_id = ids_of(raw)
    own = {
        name.removeprefix(PREFIX): value
        for name, value in raw.attributes.items()
        if name.startswith(PREFIX)
    }
    for name in (*ENCODED, *NATIVE):
        if name in own:
            own[name] = decode(name, own[name])
    place = convert({"trace_id": trace_id, "span_id": span_id, **own}, _Place)
    said = _native(raw, context, parent_id) | {name: own[name] for name in _KNOWN if name in own}
    if place.sent_parent_id is not None:
        said["parent_span_id"] = place.sent_parent_id
    if place.patch is not None:
        shown = dict(said)
        said |= place.patch.hidden
        facts.patches += _patches(place, place.patch, shown)
    if said["start_time"] is None:
        said["start_time"] = raw.start_ns // 1_000
    if place.version is None:
        if place.patch is None:
            raise Bad(f"{PREFIX}version", "expected a number, as nothing else tells of the span")
        return None
    fields = _set(convert(said, _Fields))
    fields["flags"] = [flag for flag in fields.get("flags", []) if flag not in _OWN_FLAGS]
    fields["claimed"] = tuple(fields.get("claimed", ()))
    return SpanRecord(
        trace_id=place.trace_id,
        span_id=place.span_id,
        version=place.version & (_FINISHED - 1),
        **fields,
    )


_KNOWN: Final = (
    *("parent_span_id", "name", "start_time", "end_time", "first_token_time", "flags"),
    *(name for name in SCALARS if name not in ("version", "sent_parent_id")),
    *(name for name in ENCODED if name != "patch"),
    *NATIVE,
)


def _native(raw: RawSpan, context: Context, parent_id: str | None) -> dict[str, Json]:
    """Return what OTLP's own fields say."""
    attributes = raw.attributes.items()
    return {
        "parent_span_id": parent_id,
        "name": raw.name,
        "start_time": raw.start_ns // 1_000,
        "end_time": raw.end_ns // 1_000 or None,
        "attributes": {name: value for name, value in attributes if not name.startswith(PREFIX)},
        "events": events_as_sent(raw.events),
        "links": raw.links,
        "resource": context.resource,
        "scope": context.scope,
    }


def _patches(place: _Place, patch: _Patch, shown: dict[str, Json]) -> list[SpanPatch]:
    """Return the updates by their versions, each field checked like the span's own.

    `shown` has the fields of the span as they are with the updates.
    """
    updates: dict[tuple[int, bool], dict[str, Json]] = defaultdict(dict)
    for name, (sent, *value) in patch.fields.items():
        field, dot, path = name.partition(".")
        version = _version(name, sent)
        told = value[0] if value else shown.get(name)
        if field not in _Fields.__struct_fields__ or (dot and field != "metadata"):
            raise Bad(f"{PREFIX}patch", f"there is no field {name!r}")
        keys, is_object = metadata_keys(path) if dot else ([], False)
        convert({field: {keys[0]: told} if keys else told}, _Fields)
        # Within an object of the metadata each part was updated by itself.
        within = updates[version, len(keys) > 1 or is_object]
        if not keys:
            within[field] = told
            continue
        held: Any = within.setdefault(field, {})
        for key in keys[:-1]:
            held = held.setdefault(key, {})
        if not (is_object and held.get(keys[-1])):
            held[keys[-1]] = told
    if place.version is None:
        # It began with an update that a later one has replaced since.
        start = shown.get("start_time")
        updates.setdefault((max(start, 0) if isinstance(start, int) else 0, False), {})
    return [
        SpanPatch(
            trace_id=place.trace_id,
            span_id=place.span_id,
            version=version,
            fields=fields,
            deep=deep,
        )
        for (version, deep), fields in updates.items()
    ]


def _version(name: str, sent: Json) -> int:
    if type(sent) is not int or not 0 <= sent < 2**63:
        raise Bad(f"{PREFIX}patch", f"expected a version of {name!r}, got {sent!r}")
    return sent


def _set(fields: _Fields) -> dict[str, Any]:
    said = {name: getattr(fields, name) for name in fields.__struct_fields__}
    return {name: value for name, value in said.items() if value is not None}
