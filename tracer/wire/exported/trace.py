"""Reads the fields of exported traces, with the precedence of each, and their scores."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tracer.export.names import SCORES, TRACE
from tracer.records import (
    RANK_IMPLIED,
    RANK_SPAN,
    TRACE_FIELDS,
    Json,
    ScoreRecord,
    TraceRecord,
)
from tracer.wire.exported.values import Micros, Version, Word, convert, decode, metadata_keys
from tracer.wire.native.requests import DataType, Id, check_id
from tracer.wire.spans.raw import Bad
from tracer.wire.spans.trace_facts import TraceFacts

_SentVersion = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class _Candidate(msgspec.Struct, array_like=True):
    """What the spans of one process sent for one field."""

    rank: Annotated[int, Meta(ge=RANK_IMPLIED, le=RANK_SPAN)]
    by_root: bool
    version: _SentVersion
    value: Any = msgspec.UNSET
    """Absent: equal to the field of the trace."""


class _ExportedClaims(msgspec.Struct, kw_only=True):
    """Precedence and time of each field of a trace."""

    ranks: dict[str, tuple[Annotated[int, Meta(ge=1, le=4)], Version]] = {}
    processes: dict[str, tuple[Micros, dict[str, _Candidate]]] = {}
    """Fields sent by spans, by process; most values are those of the trace's fields."""
    seen: Version | None = None
    times: dict[Literal["start_time", "end_time"], Micros | None] = {}
    tags: list[str] | None = None
    """The tags that the application sent, if people have edited them."""
    tag_edits: dict[str, tuple[Version, bool, str]] = {}
    """Tag -> time of its last edit, whether it was added, and the editor."""
    cleared: list[Literal["input", "output"]] = []


class _Trace(msgspec.Struct, kw_only=True):
    """An exported trace."""

    trace_id: Id
    name: str = ""
    user_id: str | None = None
    session_id: str | None = None
    environment: str = "default"
    release: str | None = None
    version: str | None = None
    public: bool = False
    tags: list[str] = []
    metadata: dict[str, Any] | None = None
    input: Any = None
    output: Any = None
    claims: _ExportedClaims = msgspec.field(default_factory=_ExportedClaims)

    def __post_init__(self) -> None:
        check_id(self.trace_id, "trace_id")


class _Score(msgspec.Struct, kw_only=True):
    score_id: Id
    span_id: Id | None = None
    session_id: Id | None = None
    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    data_type: DataType
    value: float | None = None
    string_value: str | None = None
    comment: str | None = None
    source: Word = "api"
    metadata: dict[str, Any] | None = None
    time: Micros
    author: str | None = None
    author_id: str | None = None
    config_id: str | None = None
    environment: str | None = None
    queue_id: str | None = None

    def __post_init__(self) -> None:
        for name in ("score_id", "span_id", "session_id"):
            if (value := getattr(self, name)) is not None:
                check_id(value, name)


class _Scores(msgspec.Struct, kw_only=True):
    trace_id: Id
    scores: list[_Score]


def read_resource(resource: dict[str, Json], facts: TraceFacts) -> None:
    """Add the trace and the scores in a resource without spans. Raises Bad."""
    if TRACE in resource:
        facts.exported += _claims(convert(decode("trace", resource[TRACE]), _Trace))
    if SCORES in resource:
        exported = convert(decode("scores", resource[SCORES]), _Scores)
        facts.scores += [
            ScoreRecord(
                trace_id=exported.trace_id,
                **{**msgspec.structs.asdict(score), "metadata": score.metadata or {}},
            )
            for score in exported.scores
        ]


def _claims(trace: _Trace) -> list[TraceRecord]:
    """Return records that restore each field with its precedence and time."""
    claims = trace.claims
    records: dict[tuple[int, int, bool], TraceRecord] = {}

    def of(rank: int, version: int, *, deep: bool = False) -> TraceRecord:
        key = (rank, version, deep)
        if key not in records:
            records[key] = TraceRecord(
                trace_id=trace.trace_id, rank=rank, version=version, deep=deep
            )
        return records[key]

    tags = trace.tags if claims.tags is None else claims.tags
    for name, (rank, version) in claims.ranks.items():
        field, dot, path = name.partition(".")
        keys, is_object = metadata_keys(path) if dot and field == "metadata" else ([], False)
        # Each part of an object in the metadata has a record of its own. A null that is a value
        # has one too: in the other records null removes its key.
        is_null = len(keys) == 1 and (trace.metadata or {}).get(keys[0], 0) is None
        record = of(rank, version, deep=len(keys) > 1 or is_object or is_null)
        if name == "tags":
            record.tags, record.replace_tags = tags, True
        elif keys:
            part = {} if is_object else _value_at(trace.metadata, keys)
            record.metadata = _with(record.metadata, keys, part)
        elif name in claims.times:
            record.fields = {**record.fields, name: claims.times[name]}
        elif name in _CLAIMED:
            record.fields = {**record.fields, name: getattr(trace, name)}
        else:
            raise Bad(TRACE, f"there is no field {name!r}")
    sent_by_spans = [
        _of_span(trace, process, first, name, candidate)
        for process, (first, fields) in claims.processes.items()
        for name, candidate in fields.items()
    ]
    if claims.seen is not None:
        # The first record of a trace may be overridden; its time still counts.
        first = of(1, claims.seen)
        if "tags" not in claims.ranks:
            first.tags = tags
    edits = [
        TraceRecord(
            trace_id=trace.trace_id, rank=1, version=version, tag_edits={tag: there}, editor=editor
        )
        for tag, (version, there, editor) in claims.tag_edits.items()
    ]
    return [*records.values(), *sent_by_spans, *edits]


def _of_span(
    trace: _Trace, process: str, first: int, name: str, candidate: _Candidate
) -> TraceRecord:
    """Return the record of one field that the spans of a process sent."""
    if name not in TRACE_FIELDS:
        raise Bad(TRACE, f"there is no field {name!r}")
    shown = candidate.value is msgspec.UNSET
    return TraceRecord(
        trace_id=trace.trace_id,
        rank=candidate.rank,
        version=candidate.version,
        by_root=candidate.by_root,
        process=process,
        first=first,
        fields={name: getattr(trace, name, None) if shown else candidate.value},
    )


def _value_at(value: Json, keys: list[str]) -> Json:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _with(target: dict[str, Json], keys: list[str], value: Json) -> dict[str, Json]:
    """Return the object with a value at a path; an empty value keeps an existing object."""
    first, *rest = keys
    within = target.get(first)
    if isinstance(within, dict) and value == {} and not rest:
        return target
    inner = _with(within if isinstance(within, dict) else {}, rest, value) if rest else value
    return {**target, first: inner}


_CLAIMED: Final = frozenset(_Trace.__struct_fields__) - {"trace_id", "claims", "tags", "metadata"}
