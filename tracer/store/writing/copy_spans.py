"""Encodes spans as lines for COPY: the innermost loop of writing."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from typing import Any

import msgspec
import psycopg

from tracer import exact_json
from tracer.merging import log_events
from tracer.merging.reports import CALL_ID_BYTES
from tracer.merging.spans import Span
from tracer.merging.traces import clip, status_of
from tracer.records import SpanRecord, cost_total, token_sums
from tracer.store.database.copy_text import NULL, escaped
from tracer.store.database.keys import TraceKey
from tracer.store.parts.columns import PACKED_COLUMNS, PROJECT_COLUMNS, SPLIT_COLUMNS, bit
from tracer.store.parts.pack import PACK_BELOW, PACK_FROM, PayloadRow, pack
from tracer.store.parts.save import save_parts
from tracer.store.parts.split import (
    SHARED_FROM,
    SPLIT_FROM,
    Parts,
    as_one_part,
    split,
    split_as_one,
)
from tracer.store.schema import spans
from tracer.times import sql_time

# A longer message is in the exception event in full; the tree shows one line.
MESSAGE_BYTES = 8_000
JSON_NULL = "null"
_NO_USAGE_COLUMNS = "\t".join([NULL] * 4)
Labels = tuple[str | None, str | None, str | None, str | None, str | None, int | None, str | None]
"""The values of _LABEL_COLUMNS."""

_KEY_COLUMNS = ("project_id", "trace_id", "span_id", "sent_parent_id")
_LABEL_COLUMNS = (
    "cost_source",
    "priced_by",
    "requested_model",
    "provider",
    "prompt_name",
    "prompt_version",
    "dialect",
)
_JSON_COLUMNS = (
    "input",
    "output",
    "metadata",
    "attributes",
    "events",
    "links",
    "resource",
    "scope",
    "usage",
    "cost",
    "model_parameters",
    "tools",
    "finish_reasons",
    "claimed",
    "notes",
    "patch",
)
_NARROW = f"COPY spans ({', '.join(spans.c.keys())}) FROM STDIN"
# All JSON columns are encoded in one call, which encodes missing values as null.
_WIDE = f"""
    COPY span_payload_rows ({", ".join((*_KEY_COLUMNS, *_LABEL_COLUMNS, "split", *_JSON_COLUMNS))})
    FROM STDIN (NULL '{JSON_NULL}')
"""
_SPLIT_POSITIONS = [
    (_JSON_COLUMNS.index(name), bit(name)) for name in SPLIT_COLUMNS if name not in PROJECT_COLUMNS
]
_PACKED_POSITIONS = {_JSON_COLUMNS.index(name) for name in PACKED_COLUMNS}
_TOOLS = _JSON_COLUMNS.index("tools")
_PROJECT_POSITIONS = [(_JSON_COLUMNS.index(name), bit(name)) for name in PROJECT_COLUMNS]


def copy_spans(
    cursor: psycopg.Cursor[Any],
    traces: Iterable[tuple[TraceKey, Collection[Span], Container[str]]],
    stored: Container[TraceKey] = (),
) -> None:
    """Insert new spans by (project, trace) into both span tables; none of them may be stored yet.

    Each trace has its spans and the ids of those whose short values are to be packed. ``stored``:
    traces that have other stored spans.
    """
    narrow: list[str] = []
    wide: list[tuple[str, PayloadRow]] = []
    parts: dict[TraceKey, Parts] = {}
    packs: dict[TraceKey, Parts] = {}
    shared = _Shared(parts)
    for trace_key, its_spans, packed in traces:
        project_id, trace_id = trace_key
        trace = f"{escaped(project_id)}\t{escaped(trace_id)}\t"
        shared.project_id = project_id
        repeats = trace_key in stored or _calls_a_model_twice(its_spans)
        trace_parts = parts.setdefault(trace_key, {}) if repeats else None
        first = len(wide)
        for span in its_spans:
            record = span.record
            key = trace + escaped(record.span_id)
            narrow.append(_narrow(key, span, record, shared))
            if span.patch or not span.placeholder:
                labels = _wide_labels(key, span, record, shared)
                packs_it = record.span_id in packed
                wide.append((labels, _payload(span, record, shared, trace_parts, packs_it)))
        pack((row for _, row in wide[first:]), packs.setdefault(trace_key, {}))
    if narrow:
        _copy(cursor, _NARROW, "".join(narrow).encode())
    if wide:
        save_parts(cursor, parts, packs)
        _copy(cursor, _WIDE, b"".join(_wide_line(labels, row) for labels, row in wide))


def _calls_a_model_twice(its_spans: Iterable[Span]) -> bool:
    # A single call's messages are not repeated, so splitting them into parts would waste space.
    return sum(span.record.kind == "generation" for span in its_spans) > 1


def _copy(cursor: psycopg.Cursor[Any], statement: str, rows: bytes) -> None:
    with cursor.copy(statement.encode()) as copy:
        copy.write(rows)


class _Shared:
    """Caches encoded values that many spans of a batch have in common."""

    def __init__(self, parts: dict[TraceKey, Parts]) -> None:
        self.project_id = ""
        self._parts = parts
        self._json: dict[tuple[str, int], tuple[msgspec.Raw, bool]] = {}
        self._labels: dict[Labels, str] = {}
        self._texts: dict[str, str] = {}

    def json(self, value: Any) -> tuple[msgspec.Raw, bool]:
        """Return (the JSON of a resource, a scope or attribute names; whether it has a part).

        With a part it is a skeleton that refers to a part of the project. Values are cached by
        identity: spans of a batch share the object.
        """
        key = self.project_id, id(value)
        shared = self._json.get(key)
        if shared is None:
            text = exact_json.encode(value)
            splits = len(text) >= SHARED_FROM
            if splits:
                text = as_one_part(text, self._parts.setdefault((self.project_id, ""), {}))
            shared = self._json[key] = msgspec.Raw(text), splits
        return shared

    def labels(self, labels: Labels) -> str:
        """Return the label columns of `span_payload_rows`, which have few distinct values."""
        columns = self._labels.get(labels)
        if columns is None:
            columns = self._labels[labels] = "\t".join(
                JSON_NULL if label is None else _wide_text(str(label)) for label in labels
            )
        return columns

    def text(self, value: str) -> str:
        """Return a name as a column."""
        column = self._texts.get(value)
        if column is None:
            column = self._texts[value] = escaped(value)
        return column


def _narrow(key: str, span: Span, record: SpanRecord, shared: _Shared) -> str:
    parent, end, first = record.parent_span_id, record.end_time, record.first_token_time
    message, model, call_id = record.status_message, record.model, record.call_id
    return "\t".join((
        key,
        NULL if parent is None else escaped(parent),
        record.kind,
        shared.text(record.name),
        sql_time(record.start_time),
        NULL if end is None else sql_time(end),
        NULL if first is None else sql_time(first),
        status_of(record),
        record.level,
        NULL if message is None else escaped(clip(message, MESSAGE_BYTES)),
        NULL if model is None else shared.text(model),
        _usage_columns(record) if record.usage or record.cost else _NO_USAGE_COLUMNS,
        _array(record.flags) if record.flags else NULL,
        "t" if span.placeholder else "f",
        "t" if span.patched else "f",
        "t" if span.usage_excluded else "f",
        NULL if call_id is None else escaped(clip(call_id, CALL_ID_BYTES)),
        "t" if record.echo else "f",
        f"{NULL}\n" if span.version is None else f"{span.version}\n",
    ))  # fmt: skip


def _usage_columns(record: SpanRecord) -> str:
    """Return tokens and dollars as columns."""
    input_tokens, output_tokens, tokens = token_sums(record.usage)
    cost = cost_total(record.cost)
    return "\t".join((
        NULL if input_tokens is None else str(input_tokens),
        NULL if output_tokens is None else str(output_tokens),
        NULL if tokens is None else str(tokens),
        NULL if cost is None else f"{cost:f}",
    ))  # fmt: skip


def _wide_labels(key: str, span: Span, record: SpanRecord, shared: _Shared) -> str:
    """Return the text columns of `span_payload_rows`."""
    sent_parent = span.sent_parent_id
    sent = JSON_NULL if sent_parent is None else _wide_text(sent_parent)
    labels = shared.labels((
        record.cost_source or None,
        record.priced_by or None,
        record.requested_model,
        record.provider,
        record.prompt_name,
        record.prompt_version,
        record.dialect or None,
    ))  # fmt: skip
    return f"{key}\t{sent}\t{labels}\t"


def _payload(
    span: Span, record: SpanRecord, shared: _Shared, parts: Parts | None, packs_it: bool
) -> PayloadRow:
    """Return the JSON columns of `span_payload_rows`."""
    values = [
        record.input,
        record.output,
        record.metadata or None,
        record.attributes or None,
        record.events or None,
        record.links or None,
        record.resource or None,
        record.scope or None,
        record.usage or None,
        record.cost or None,
        record.model_parameters or None,
        record.tools or None,
        record.finish_reasons or None,
        record.claimed or None,
        record.notes or None,
        _patch_column(span) if span.patch else None,
    ]
    bits = 0
    for position, column_bit in _PROJECT_POSITIONS:
        if values[position] is not None:
            values[position], splits = shared.json(values[position])
            bits |= column_bit if splits else 0
    # One call for all of them costs a third of one for each.
    columns = exact_json.encode_lines(values).split(b"\n")
    row = PayloadRow(columns, bits)
    packable = []
    for position, column_bit in _SPLIT_POSITIONS:
        size = len(columns[position])
        if size < PACK_FROM:
            continue
        if parts is not None and size >= SPLIT_FROM and _split(row, position, values, parts):
            row.split |= column_bit
        elif packs_it and size < PACK_BELOW and position in _PACKED_POSITIONS:
            packable.append((position, column_bit))
    row.packable = packable
    return row


def _split(row: PayloadRow, position: int, values: list[Any], parts: Parts) -> bool:
    """Replace a value by its skeleton; False: it has no parts."""
    value, text = values[position], row.columns[position]
    # An agent offers the same tools with each call.
    whole = position == _TOOLS
    skeleton = split_as_one(value, text, parts) if whole else split(value, len(text), parts)
    if skeleton is not None:
        row.columns[position] = skeleton
    return skeleton is not None


def _wide_line(labels: str, row: PayloadRow) -> bytes:
    # JSON text holds no raw control characters: only its backslashes need care. The list ends with
    # an empty text, for the end of the line.
    *columns, _ = row.columns
    line = b"\t".join(columns).replace(b"\\", b"\\\\")
    return f"{labels}{row.split or JSON_NULL}\t".encode() + line + b"\n"


def _patch_column(span: Span) -> dict[str, Any]:
    """Return the patches, without the large values that the columns hold already."""
    fields = {
        field: entry[:1] if field in ("input", "output") and entry[1] is not None else entry
        for field, entry in log_events.compacted(span.patch, span.filled).items()
    }
    return {"fields": fields, "hidden": span.hidden, "filled": span.filled}


def _wide_text(value: str) -> str:
    # COPY compares a column with its text for NULL before it decodes escapes.
    return "nul\\l" if value == JSON_NULL else escaped(value)


def _array(values: list[str]) -> str:
    return "{" + ",".join(values) + "}"
