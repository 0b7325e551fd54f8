"""Spans as the lines that COPY takes: the innermost loop of writing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa

from tracer.records import SpanRecord, cost_total, token_sums
from tracer.store.merge import Span
from tracer.store.rollup import clip, iso, status_of
from tracer.store.schema import span_payloads, spans

# A longer message is in the exception event in full; the tree shows one line.
MESSAGE_BYTES = 8_000
# Indexed, so that a longer one would not fit.
CALL_ID_BYTES = 200
NULL = "\\N"
_NO_TOKENS = (None, None, None)

Keyed = tuple[str, Span]
"""A project and one of its spans."""

encoder = msgspec.json.Encoder(decimal_format="string")


def copy_spans(cursor: psycopg.Cursor[Any], rows: Iterable[Keyed]) -> None:
    """Add these rows, none of which may be there yet, to both span tables."""
    narrow: list[str] = []
    wide: list[str] = []
    shared: dict[int, str] = {}
    for project_id, span in list(rows):
        record = span.record
        key = f"{_text(project_id)}\t{_text(record.trace_id)}\t{_text(record.span_id)}"
        narrow.append(_narrow(key, span, record))
        if not span.placeholder:
            wide.append(_wide(key, span, record, shared))
    _copy(cursor, spans, narrow)
    _copy(cursor, span_payloads, wide)


def _copy(cursor: psycopg.Cursor[Any], table: sa.Table, lines: list[str]) -> None:
    if lines:
        lines.append("")
        names = ", ".join(table.c.keys())
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            copy.write("\n".join(lines))


def _narrow(key: str, span: Span, record: SpanRecord) -> str:
    asked, answered, tokens = token_sums(record.usage) if record.usage else _NO_TOKENS
    cost = cost_total(record.cost) if record.cost else None
    parent, end, first = record.parent_span_id, record.end_time, record.first_token_time
    message, model = record.status_message, record.model
    return "\t".join((
        key,
        NULL if parent is None else _text(parent),
        record.kind,
        _text(record.name),
        iso(record.start_time),
        NULL if end is None else iso(end),
        NULL if first is None else iso(first),
        status_of(record),
        record.level,
        NULL if message is None else _nullable(clip(message, MESSAGE_BYTES)),
        NULL if model is None else _text(model),
        NULL if asked is None else str(asked),
        NULL if answered is None else str(answered),
        NULL if tokens is None else str(tokens),
        NULL if cost is None else f"{cost:f}",
        _array(record.flags) if record.flags else NULL,
        "t" if span.placeholder else "f",
        "t" if span.patched else "f",
        "t" if span.covered else "f",
        NULL if record.call_id is None else _nullable(clip(record.call_id, CALL_ID_BYTES)),
        "t" if record.echo else "f",
        NULL if span.version is None else str(span.version),
    ))  # fmt: skip


def _wide(key: str, span: Span, record: SpanRecord, shared: dict[int, str]) -> str:
    return "\t".join((
        key,
        NULL if record.input is None else _json(record.input),
        NULL if record.output is None else _json(record.output),
        _json(record.metadata) if record.metadata else NULL,
        _json(record.attributes) if record.attributes else NULL,
        _json(record.events) if record.events else NULL,
        _json(record.links) if record.links else NULL,
        _shared(record.resource, shared) if record.resource else NULL,
        _shared(record.scope, shared) if record.scope else NULL,
        _json(record.usage) if record.usage else NULL,
        _json(record.cost) if record.cost else NULL,
        record.cost_source or NULL,
        record.priced_by or NULL,
        _nullable(record.requested_model),
        _nullable(record.provider),
        _json(record.model_parameters) if record.model_parameters else NULL,
        _json(record.tools) if record.tools else NULL,
        _json(record.finish_reasons) if record.finish_reasons else NULL,
        _nullable(record.prompt_name),
        NULL if record.prompt_version is None else str(record.prompt_version),
        record.dialect or NULL,
        _shared(record.claimed, shared) if record.claimed else NULL,
        _json(record.notes) if record.notes else NULL,
        _nullable(span.sent_parent_id),
        _json({"fields": span.patch, "hidden": span.hidden}) if span.patch else NULL,
    ))  # fmt: skip


def _text(value: str) -> str:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if value.isprintable():
        return value
    return value.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _nullable(value: str | None) -> str:
    return NULL if value is None else _text(value)


def _json(value: Any) -> str:
    # JSON text holds no raw control characters, so only its backslashes need care.
    return encoder.encode(value).decode().replace("\\", "\\\\")


def _shared(value: Any, encoded: dict[int, str]) -> str:
    """Encode once what many spans share: a resource, a scope, the names of claimed attributes."""
    text = encoded.get(id(value))
    if text is None:
        text = encoded[id(value)] = _json(value)
    return text


def _array(values: list[str]) -> str:
    return "{" + ",".join(values) + "}"
