"""JSON export: one document with the trace, its scores, comments, and spans in time order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tracer import exact_json
from tracer.export.records import (
    ExportedComment,
    ExportedScore,
    ExportedSpan,
    ExportedTrace,
    Source,
    Text,
    decoded,
)
from tracer.records import decimals
from tracer.times import json_time

FORMAT: Final = "tracer.trace"
SESSION_FORMAT: Final = "tracer.session"
VERSION: Final = 1

_encode: Final = exact_json.encoder(decimal_format="number").encode
_EMPTY_OBJECT: Final = msgspec.Raw(b"{}")
_EMPTY_LIST: Final = msgspec.Raw(b"[]")
_TRACE: Final = (
    "name",
    "status",
    "span_count",
    "error_count",
    "warning_count",
    "unpriced_count",
    "user_id",
    "session_id",
    "environment",
    "release",
    "version",
    "public",
    "tags",
    "models",
    "kinds",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "usage",
    "total_cost",
    "error_message",
    "root_span_id",
    "input",
    "output",
)
_SPAN: Final = (
    "kind",
    "name",
    "status",
    "level",
    "status_message",
    "model",
    "requested_model",
    "provider",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "total_cost",
    "cost_source",
    "priced_by",
    "prompt_name",
    "prompt_version",
    "dialect",
    "sent_parent_id",
    "input",
    "output",
)
# What only an import needs (from_json.py), beyond the fields of the JSON API.
RESTORE_SPAN: Final = ("version", "call_id", "echo", "claimed", "patch")
RESTORE_SCORE: Final = (
    "value",
    "string_value",
    "author_id",
    "config_id",
    "environment",
    "queue_id",
)
_OBJECTS: Final = ("model_parameters", "usage", "metadata", "attributes", "resource", "scope")
_LISTS: Final = ("tools", "finish_reasons", "events", "links")


def write(source: Source) -> Iterator[str]:
    """Yield the document. A truncated file is invalid JSON and lacks ``complete``."""
    head = {"format": FORMAT, "version": VERSION, "exported_at": json_time(datetime.now(UTC))}
    yield _encode(head).decode()[:-1]
    yield from _body(source)


def write_session(session_id: str, sources: Iterator[Source]) -> Iterator[str]:
    """Yield the traces of a session as one document."""
    head = {
        "format": SESSION_FORMAT,
        "version": VERSION,
        "exported_at": json_time(datetime.now(UTC)),
    }
    yield _encode({**head, "session_id": session_id}).decode()[:-1] + ',\n"traces":['
    separator = "\n{"
    for source in sources:
        yield f'{separator}"format":"{FORMAT}"'
        yield from _body(source)
        separator = ",\n{"
    yield '],\n"complete":true}\n'


def _body(source: Source) -> Iterator[str]:
    """Yield the remaining members of a trace object that the caller has opened, and close it."""
    yield f',\n"trace":{_text(_trace(source.trace))}'
    yield ',\n"scores":['
    yield from _items(map(_score, source.scores()))
    yield '],\n"comments":['
    yield from _items(map(_comment, source.comments()))
    yield '],\n"spans":['
    yield from _items(map(_span, source.in_time()))
    yield '],\n"complete":true}\n'


def _items(items: Iterator[dict[str, Any]]) -> Iterator[str]:
    separator = "\n"
    for item in items:
        yield separator + _text(item)
        separator = ",\n"


def _text(value: object) -> str:
    return _encode(value).decode()


def _trace(trace: ExportedTrace) -> dict[str, Any]:
    end = trace.end_time if trace.status != "running" else None
    return {
        "id": trace.trace_id,
        **_times(trace.start_time, end),
        **{name: getattr(trace, name) for name in _TRACE},
        "cost": decimals(trace.cost),
        "metadata": trace.metadata or _EMPTY_OBJECT,
        "restore": {"claims": trace.claims},
    }


def _span(span: ExportedSpan) -> dict[str, Any]:
    first = span.first_token_time
    return {
        "id": span.span_id,
        "parent_id": span.parent_span_id,
        **_times(span.start_time, span.end_time),
        "completion_start_time": json_time(first) if first else None,
        **{name: getattr(span, name) for name in _SPAN},
        **{name: getattr(span, name) or _EMPTY_OBJECT for name in _OBJECTS},
        **{name: getattr(span, name) or _EMPTY_LIST for name in _LISTS},
        "cost": _cost(span.cost),
        "flags": span.flags or [],
        "notes": span.notes or _EMPTY_OBJECT,
        "restore": _restore(span, RESTORE_SPAN),
    }


def _score(score: ExportedScore) -> dict[str, Any]:
    value: Any = score.string_value if score.value is None else score.value
    return {
        "id": score.score_id,
        "name": score.name,
        "data_type": score.data_type,
        "value": bool(value) if score.data_type == "boolean" else value,
        "span_id": score.span_id,
        "session_id": score.session_id,
        "comment": score.comment,
        "source": score.source,
        "author": score.author,
        "metadata": score.metadata or _EMPTY_OBJECT,
        "time": json_time(score.time),
        "restore": _restore(score, RESTORE_SCORE),
    }


def _restore(row: ExportedSpan | ExportedScore, names: tuple[str, ...]) -> dict[str, Any]:
    values = ((name, getattr(row, name)) for name in names)
    return {name: value for name, value in values if value is not None and value is not False}


def _comment(comment: ExportedComment) -> dict[str, Any]:
    return {
        "id": comment.comment_id,
        "span_id": comment.span_id,
        "text": comment.text,
        "author": comment.author,
        "time": json_time(comment.created_at),
        "edited_at": json_time(comment.edited_at) if comment.edited_at else None,
    }


def _cost(text: Text) -> dict[str, Any]:
    # Stored as text, because JSON has no decimals; exported in the form of the JSON API.
    return decimals(decoded(text))


def _times(start: datetime, end: datetime | None) -> dict[str, Any]:
    return {
        "start_time": json_time(start),
        "end_time": json_time(end) if end else None,
        "duration_ms": round((end - start).total_seconds() * 1000, 3) if end else None,
    }
