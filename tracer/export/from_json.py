"""Reads a JSON export again, of a trace or a session, so that it can be written as OTLP/JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tracer.analysis.context.totals import ContextTotals
from tracer.export.json import FORMAT, SESSION_FORMAT, VERSION
from tracer.export.records import (
    ExportedComment,
    ExportedScore,
    ExportedSpan,
    ExportedTrace,
    Row,
    Text,
)
from tracer.records import RANK_CREATE, Json
from tracer.times import to_micros

_NULL: Final = msgspec.Raw(b"null")
_JSON: Final = (
    *("metadata", "attributes", "events", "links", "resource", "scope", "usage"),
    *("model_parameters", "tools", "finish_reasons", "notes"),
)
_EMPTY: Final = frozenset((b"null", b"{}", b"[]"))


class _Head(msgspec.Struct):
    """The first members of any JSON export."""

    format: str = ""
    version: int = VERSION
    complete: bool = False
    traces: list[msgspec.Raw] = []


class _TraceRestore(msgspec.Struct):
    claims: dict[str, Any] = {}


class _Trace(msgspec.Struct, kw_only=True):
    id: str
    name: str = ""
    start_time: datetime
    user_id: str | None = None
    session_id: str | None = None
    environment: str = "default"
    release: str | None = None
    version: str | None = None
    public: bool = False
    tags: list[str] = []
    metadata: msgspec.Raw = _NULL
    input: msgspec.Raw = _NULL
    output: msgspec.Raw = _NULL
    restore: _TraceRestore | None = None


class _SpanRestore(msgspec.Struct):
    version: int | None = None
    call_id: str | None = None
    echo: bool = False
    claimed: msgspec.Raw = _NULL
    patch: msgspec.Raw = _NULL


class _Span(msgspec.Struct, kw_only=True):
    id: str
    parent_id: str | None = None
    kind: str = "span"
    name: str = ""
    start_time: datetime
    end_time: datetime | None = None
    completion_start_time: datetime | None = None
    level: str = "default"
    status_message: str | None = None
    model: str | None = None
    requested_model: str | None = None
    provider: str | None = None
    cost: dict[str, Decimal] = {}
    cost_source: str | None = None
    priced_by: str | None = None
    prompt_name: str | None = None
    prompt_version: int | None = None
    dialect: str | None = None
    sent_parent_id: str | None = None
    flags: list[str] = []
    input: msgspec.Raw = _NULL
    output: msgspec.Raw = _NULL
    metadata: msgspec.Raw = _NULL
    attributes: msgspec.Raw = _NULL
    events: msgspec.Raw = _NULL
    links: msgspec.Raw = _NULL
    resource: msgspec.Raw = _NULL
    scope: msgspec.Raw = _NULL
    usage: msgspec.Raw = _NULL
    model_parameters: msgspec.Raw = _NULL
    tools: msgspec.Raw = _NULL
    finish_reasons: msgspec.Raw = _NULL
    notes: msgspec.Raw = _NULL
    restore: _SpanRestore | None = None


class _ScoreRestore(msgspec.Struct):
    value: float | None = None
    string_value: str | None = None
    author_id: str | None = None
    config_id: str | None = None
    environment: str | None = None
    queue_id: str | None = None


class _Score(msgspec.Struct, kw_only=True):
    id: str
    name: str
    data_type: str
    value: float | bool | str | None = None
    span_id: str | None = None
    session_id: str | None = None
    comment: str | None = None
    source: str = "api"
    author: str | None = None
    metadata: msgspec.Raw = _NULL
    time: datetime
    restore: _ScoreRestore | None = None


class _Comment(msgspec.Struct, kw_only=True):
    id: str
    span_id: str | None = None
    text: str
    author: str | None = None
    time: datetime
    edited_at: datetime | None = None


class _Document(msgspec.Struct, kw_only=True):
    trace: _Trace
    scores: list[_Score] = []
    spans: list[_Span] = []
    comments: list[_Comment] = []
    complete: bool = False


class JsonSource:
    """The trace of a JSON export, as `tracer.export.otlp.write` reads it."""

    def __init__(self, document: _Document) -> None:
        self._document = document
        self.trace: ExportedTrace = _trace(document.trace)

    def scores(self) -> Iterator[ExportedScore]:
        """Yield the scores."""
        return map(_score, self._document.scores)

    def comments(self) -> Iterator[ExportedComment]:
        """Yield the comments."""
        return map(_comment, self._document.comments)

    def context(self) -> ContextTotals:
        """Not available: no format that is written from a file contains it."""
        raise NotImplementedError

    def in_time(self) -> Iterator[ExportedSpan]:
        """Yield the spans in the order of the file."""
        return map(_span, self._document.spans)

    def in_tree(self) -> Iterator[Row]:
        """Not available: the file has no levels."""
        raise NotImplementedError

    def upper(self, limit: int) -> Iterator[Row]:
        """Not available: the file has no levels."""
        raise NotImplementedError


def is_json_export(text: bytes) -> bool:
    """Return whether ``text`` begins like a JSON export of a trace or a session."""
    start = text[:100].replace(b" ", b"")
    return any(f'"format":"{name}"'.encode() in start for name in (FORMAT, SESSION_FORMAT))


def read(text: bytes) -> list[JsonSource]:
    """Return the traces of a JSON export. Raises ValueError: it is none, or is incomplete."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.version != VERSION:
            raise ValueError(f"version {head.version} of a newer Tracer")
        parts = head.traces if head.format == SESSION_FORMAT else [msgspec.Raw(text)]
        documents = [msgspec.json.decode(part, type=_Document) for part in parts]
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    if not head.complete or not all(document.complete for document in documents):
        raise ValueError("the file is truncated")
    return [JsonSource(document) for document in documents]


def _trace(sent: _Trace) -> ExportedTrace:
    restore = sent.restore or _TraceRestore(_claims(sent))
    values = _common(sent, ExportedTrace) | {
        "trace_id": sent.id,
        "metadata": _non_empty(sent.metadata),
        "input": _value(sent.input),
        "output": _value(sent.output),
        "claims": restore.claims,
    }
    return ExportedTrace(**values)


def _claims(sent: _Trace) -> dict[str, Json]:
    """Return claims for a file without them: one API call sent all that the trace shows."""
    version = to_micros(sent.start_time)
    fields = ("name", "user_id", "session_id", "release", "version", "public", "tags")
    sent_fields = [name for name in fields if getattr(sent, name)]
    sent_fields += [name for name in ("input", "output") if _value(getattr(sent, name))]
    ranks: dict[str, Json] = {name: [RANK_CREATE, version] for name in sent_fields}
    return {"ranks": ranks, "seen": version}


def _span(sent: _Span) -> ExportedSpan:
    restore = sent.restore or _SpanRestore(version=to_micros(sent.end_time or sent.start_time))
    values = _common(sent, ExportedSpan) | {name: _non_empty(getattr(sent, name)) for name in _JSON}
    values |= {
        "span_id": sent.id,
        "parent_span_id": sent.parent_id,
        "first_token_time": sent.completion_start_time,
        "input": _value(sent.input),
        "output": _value(sent.output),
        "cost": _cost(sent.cost),
        "version": restore.version,
        "call_id": restore.call_id,
        "echo": restore.echo,
        "claimed": _non_empty(restore.claimed),
        "patch": _non_empty(restore.patch),
    }
    return ExportedSpan(**values)


def _score(sent: _Score) -> ExportedScore:
    is_text = isinstance(sent.value, str)
    restore = sent.restore or _ScoreRestore(
        value=None if isinstance(sent.value, str) or sent.value is None else float(sent.value),
        string_value=str(sent.value) if is_text else None,
    )
    values = _common(sent, ExportedScore) | msgspec.structs.asdict(restore)
    values |= {"score_id": sent.id, "metadata": _non_empty(sent.metadata)}
    return ExportedScore(**values)


def _comment(sent: _Comment) -> ExportedComment:
    return ExportedComment(
        **_common(sent, ExportedComment) | {"comment_id": sent.id, "created_at": sent.time}
    )


def _common(sent: msgspec.Struct, exported: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the fields of ``exported`` by name: those of ``sent``, None for all others."""
    return {name: getattr(sent, name, None) for name in exported.__struct_fields__}


def _value(text: msgspec.Raw) -> Text:
    return None if bytes(text) == b"null" else text


def _non_empty(text: msgspec.Raw) -> Text:
    """Return a JSON object or list; None where it is empty."""
    return None if bytes(text) in _EMPTY else text


def _cost(cost: dict[str, Decimal]) -> Text:
    # Stored as texts, so that all digits are kept.
    return msgspec.Raw(msgspec.json.encode(cost)) if cost else None
