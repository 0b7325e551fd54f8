"""Spans as the lines that COPY takes: the innermost loop of writing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from tracer.records import cost_total, token_sums
from tracer.store.merge import Span
from tracer.store.rollup import clip, iso, status_of
from tracer.store.schema import span_payloads, spans

# A longer message is in the exception event in full; the tree shows one line.
MESSAGE_BYTES = 8_000
NULL = "\\N"

Keyed = tuple[str, Span]
"""A project and one of its spans."""

encoder = msgspec.json.Encoder(decimal_format="string")


def copy_spans(cursor: psycopg.Cursor[Any], rows: Iterable[Keyed]) -> None:
    """Add these rows, none of which may be there yet, to both span tables."""
    rows = list(rows)
    _copy(cursor, spans.name, spans.c.keys(), (_narrow(*row) for row in rows))
    shared: dict[int, str] = {}
    full = (_wide(*row, shared) for row in rows if not row[1].placeholder)
    _copy(cursor, span_payloads.name, span_payloads.c.keys(), full)


def _copy(
    cursor: psycopg.Cursor[Any], table: str, names: Iterable[str], lines: Iterable[str]
) -> None:
    data = "\n".join(lines)
    if data:
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            copy.write(data)
            copy.write("\n")


def _narrow(project_id: str, span: Span) -> str:
    record = span.record
    asked, answered, tokens = token_sums(record.usage)
    cost = cost_total(record.cost)
    end, first = record.end_time, record.first_token_time
    return "\t".join((
        _text(project_id),
        _text(record.trace_id),
        _text(record.span_id),
        _nullable(record.parent_span_id),
        record.kind,
        _text(record.name),
        iso(record.start_time),
        NULL if end is None else iso(end),
        NULL if first is None else iso(first),
        status_of(record),
        record.level,
        _nullable(clip(record.status_message, MESSAGE_BYTES)),
        _nullable(record.model),
        NULL if asked is None else str(asked),
        NULL if answered is None else str(answered),
        NULL if tokens is None else str(tokens),
        NULL if cost is None else f"{cost:f}",
        _array(record.flags),
        "t" if span.placeholder else "f",
        "t" if span.patched else "f",
        "t" if span.covered else "f",
        NULL if span.version is None else str(span.version),
    ))  # fmt: skip


def _wide(project_id: str, span: Span, shared: dict[int, str]) -> str:
    record = span.record
    return "\t".join((
        _text(project_id),
        _text(record.trace_id),
        _text(record.span_id),
        _json(record.input),
        _json(record.output),
        _json(record.metadata or None),
        _json(record.attributes or None),
        _json(record.events or None),
        _json(record.links or None),
        _shared(record.resource, shared),
        _shared(record.scope, shared),
        _json(record.usage or None),
        _json(record.cost or None),
        record.cost_source or NULL,
        record.priced_by or NULL,
        _nullable(record.requested_model),
        _nullable(record.provider),
        _json(record.model_parameters or None),
        _json(record.tools or None),
        _json(record.finish_reasons or None),
        _nullable(record.prompt_name),
        NULL if record.prompt_version is None else str(record.prompt_version),
        record.dialect or NULL,
        _shared(record.claimed, shared),
        _json(record.notes or None),
        _nullable(span.sent_parent_id),
        _json(span.patch or None),
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
    return NULL if value is None else encoder.encode(value).decode().replace("\\", "\\\\")


def _shared(value: Any, encoded: dict[int, str]) -> str:
    """Encode once what many spans share: a resource, a scope, the names of claimed attributes."""
    text = encoded.get(id(value))
    if text is None:
        text = encoded[id(value)] = _json(value or None)
    return text


def _array(values: list[str]) -> str:
    return "{" + ",".join(values) + "}" if values else NULL


def decimals(cost: dict[str, Any] | None) -> dict[str, Decimal]:
    """Return a stored cost by type as decimals."""
    return {bucket: Decimal(str(dollars)) for bucket, dollars in (cost or {}).items()}
