"""What our own export says of a trace as a whole: each field as firmly as it was said, scores."""

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
    """Absent: the trace shows it."""


class _Claims(msgspec.Struct, kw_only=True):
    """How firmly and when each field of a trace was said."""

    ranks: dict[str, tuple[Annotated[int, Meta(ge=1, le=4)], Version]] = {}
    processes: dict[str, tuple[Micros, dict[str, _Candidate]]] = {}
    """What spans sent, by process; the values of most are in the trace's own fields."""
    seen: Version | None = None
    times: dict[Literal["start_time", "end_time"], Micros | None] = {}
    tags: list[str] | None = None
    """As the application said them, where people have edited them since."""
    tag_edits: dict[str, tuple[Version, bool, str]] = {}
    """Tag -> when it was added or taken away, and by whom."""
    cleared: list[Literal["input", "output"]] = []


class _Trace(msgspec.Struct, kw_only=True):
    """What was said of a trace."""

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
    claims: _Claims = msgspec.field(default_factory=_Claims)

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
    """Add what a resource without spans says of a trace as a whole. Raises Bad."""
    if TRACE in resource:
        facts.exported += _claims(convert(decode("trace", resource[TRACE]), _Trace))
    if SCORES in resource:
        told = convert(decode("scores", resource[SCORES]), _Scores)
        facts.scores += [
            ScoreRecord(
                trace_id=told.trace_id,
                **{**msgspec.structs.asdict(score), "metadata": score.metadata or {}},
            )
            for score in told.scores
        ]


def _claims(said: _Trace) -> list[TraceRecord]:
    """Return the records that say each field as firmly and at the time that it was said."""
    claims = said.claims
    records: dict[tuple[int, int, bool], TraceRecord] = {}

    def of(rank: int, version: int, *, deep: bool = False) -> TraceRecord:
        key = (rank, version, deep)
        if key not in records:
            records[key] = TraceRecord(
                trace_id=said.trace_id, rank=rank, version=version, deep=deep
            )
        return records[key]

    tags = said.tags if claims.tags is None else claims.tags
    for name, (rank, version) in claims.ranks.items():
        field, dot, path = name.partition(".")
        keys, is_object = metadata_keys(path) if dot and field == "metadata" else ([], False)
        # Within an object of the metadata each part was said by itself.
        record = of(rank, version, deep=len(keys) > 1 or is_object)
        if name == "tags":
            record.tags, record.replace_tags = tags, True
        elif keys:
            told = {} if is_object else _found(said.metadata, keys)
            record.metadata = _with(record.metadata, keys, told)
        elif name in claims.times:
            record.fields = {**record.fields, name: claims.times[name]}
        elif name in _CLAIMED:
            record.fields = {**record.fields, name: getattr(said, name)}
        else:
            raise Bad(TRACE, f"there is no field {name!r}")
    sent_by_spans = [
        _of_span(said, process, first, name, candidate)
        for process, (first, fields) in claims.processes.items()
        for name, candidate in fields.items()
    ]
    if claims.seen is not None:
        # The first word on a trace may have been overruled since; when it came still counts.
        first = of(1, claims.seen)
        if "tags" not in claims.ranks:
            first.tags = tags
    edits = [
        TraceRecord(
            trace_id=said.trace_id, rank=1, version=version, tag_edits={tag: there}, editor=editor
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


def _found(value: Json, keys: list[str]) -> Json:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _with(held: dict[str, Json], keys: list[str], value: Json) -> dict[str, Json]:
    """Return the object with a value at a path; an empty object leaves one that is there."""
    first, *rest = keys
    within = held.get(first)
    if isinstance(within, dict) and value == {} and not rest:
        return held
    inner = _with(within if isinstance(within, dict) else {}, rest, value) if rest else value
    return {**held, first: inner}


_CLAIMED: Final = frozenset(_Trace.__struct_fields__) - {"trace_id", "claims", "tags", "metadata"}
