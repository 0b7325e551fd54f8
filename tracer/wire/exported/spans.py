"""Reads exported spans: every field has an attribute of its own, and no dialect is applied.

`tracer.export.otlp` writes them. They arrive over the network like any other request, so each field
is validated.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tracer.export.names import ENCODED, NATIVE, PREFIX, SCALARS
from tracer.merging.deep import NULL
from tracer.records import Json, SpanPatch, SpanRecord
from tracer.wire.exported.values import Micros, Version, Word, convert, decode, metadata_keys
from tracer.wire.native.requests import Id, check_id
from tracer.wire.spans.events import events_as_sent
from tracer.wire.spans.raw import Bad, Context, RawSpan
from tracer.wire.spans.record import ids_of
from tracer.wire.spans.trace_facts import TraceFacts

_FINISHED: Final = 1 << 62
_OWN_FLAGS: Final = frozenset(("self_parent", "cycle", "end_before_start", "first_token_outside"))
"""Flags that the store sets itself."""

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
    """The fields of a span; null and absent both leave the default."""

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
    """Updates of a span, and the values of the span that they override."""

    fields: dict[str, Annotated[list[Any], Meta(min_length=1, max_length=2)]]
    """By field: the version, and the value unless it is that of the span's field."""
    hidden: dict[str, Any]


class _Identity(msgspec.Struct, kw_only=True):
    """The ids and the version of an exported span."""

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
    """Return the exported record; None: only updates of the span had arrived.

    Its updates are added to ``facts``. Raises Bad.
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
    identity = convert({"trace_id": trace_id, "span_id": span_id, **own}, _Identity)
    values = _native(raw, context, parent_id) | {name: own[name] for name in _KNOWN if name in own}
    if identity.sent_parent_id is not None:
        values["parent_span_id"] = identity.sent_parent_id
    if identity.patch is not None:
        shown = dict(values)
        values |= identity.patch.hidden
        facts.patches += _patches(identity, identity.patch, shown)
    if values["start_time"] is None:
        values["start_time"] = raw.start_ns // 1_000
    if identity.version is None:
        if identity.patch is None:
            raise Bad(f"{PREFIX}version", "expected a number, without other data of the span")
        return None
    fields = _set(convert(values, _Fields))
    fields["flags"] = [flag for flag in fields.get("flags", []) if flag not in _OWN_FLAGS]
    fields["claimed"] = tuple(fields.get("claimed", ()))
    return SpanRecord(
        trace_id=identity.trace_id,
        span_id=identity.span_id,
        version=identity.version & (_FINISHED - 1),
        **fields,
    )


_KNOWN: Final = (
    *("parent_span_id", "name", "start_time", "end_time", "first_token_time", "flags"),
    *(name for name in SCALARS if name not in ("version", "sent_parent_id")),
    *(name for name in ENCODED if name != "patch"),
    *NATIVE,
)


def _native(raw: RawSpan, context: Context, parent_id: str | None) -> dict[str, Json]:
    """Return the values of OTLP's own fields."""
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


def _patches(identity: _Identity, patch: _Patch, shown: dict[str, Json]) -> list[SpanPatch]:
    """Return the updates by version, each field validated like the span's own.

    `shown` has the fields of the span with the updates.
    """
    updates: dict[tuple[int, bool], dict[str, Json]] = defaultdict(dict)
    for name, (sent, *value) in patch.fields.items():
        field, dot, path = name.partition(".")
        version = _version(name, sent)
        sent_value = value[0] if value else shown.get(name)
        if field not in _Fields.__struct_fields__ or (dot and field != "metadata"):
            raise Bad(f"{PREFIX}patch", f"there is no field {name!r}")
        keys, is_object = metadata_keys(path) if dot else ([], False)
        convert({field: {keys[0]: sent_value} if keys else sent_value}, _Fields)
        # Each part of an object in the metadata has an update of its own.
        is_deep = len(keys) > 1 or is_object
        within = updates[version, is_deep]
        if not keys:
            within[field] = sent_value
            continue
        if is_deep and sent_value == NULL:
            sent_value = None
        target: Any = within.setdefault(field, {})
        for key in keys[:-1]:
            target = target.setdefault(key, {})
        if not (is_object and target.get(keys[-1])):
            target[keys[-1]] = sent_value
    if identity.version is None:
        # The span started with an update that a later one replaced.
        start = shown.get("start_time")
        updates.setdefault((max(start, 0) if isinstance(start, int) else 0, False), {})
    return [
        SpanPatch(
            trace_id=identity.trace_id,
            span_id=identity.span_id,
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
    values = {name: getattr(fields, name) for name in fields.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None}
