"""Writes many traces to one file in any of the formats, alone or with their spans and payloads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.export import csv, json, otlp
from tracer.export.records import ExportedSpan, Source
from tracer.export.selections import parquet
from tracer.export.selections.columns import (
    NUMBER,
    REAL,
    TEXT,
    TIME,
    Column,
    as_text,
    select_columns,
)

JSON_LINES, CSV, PARQUET, OTLP = "jsonl", "csv", "parquet", "otlp"


class SelectionFormat(NamedTuple):
    """A format of a file of traces."""

    name: str
    title: str
    content_type: str
    suffix: str


FORMATS: Final = {
    form.name: form
    for form in (
        SelectionFormat(JSON_LINES, "JSON lines", "application/x-ndjson", "jsonl"),
        SelectionFormat(CSV, "CSV", "text/csv; charset=utf-8; header=present", "csv"),
        SelectionFormat(PARQUET, "Parquet", "application/vnd.apache.parquet", "parquet"),
        SelectionFormat(OTLP, "OTLP/JSON", "application/json", "otlp.json"),
    )
}


class ExportSpec(msgspec.Struct, kw_only=True, frozen=True):
    """The content of a file: its format, the columns of traces, or the traces with their spans."""

    format: str
    columns: list[str] = []
    spans: bool = False


class Item(NamedTuple):
    """A trace: its row, its metadata, and how to read it with its spans."""

    row: Any
    """`tracer.store.traces.traces.TraceRow`."""
    metadata: dict[str, Any]
    source: Callable[[], Source | None]
    """None: the trace no longer exists."""


def write(spec: ExportSpec, items: Iterable[Item]) -> Iterator[bytes]:
    """Yield the file; OTLP always has the spans. Raises Invalid where pyarrow is missing."""
    if spec.format == OTLP:
        return _encoded(_otlp(items))
    if spec.spans:
        return _with_spans(spec.format, items)
    columns = select_columns(spec.columns)
    if spec.format == PARQUET:
        return parquet.table([(c.heading, c.type) for c in columns], _values(items, columns))
    rows = (
        [as_text(*pair) for pair in zip(columns, row, strict=True)]
        for row in _values(items, columns)
    )
    headings = [column.heading for column in columns]
    if spec.format == CSV:
        return _encoded(csv.table(headings, rows))
    return (exact_json.encode(dict(zip(headings, row, strict=True))) + b"\n" for row in rows)


def _values(items: Iterable[Item], columns: Sequence[Column]) -> Iterator[list[Any]]:
    for item in items:
        yield [column.value_of(item.row, item.metadata) for column in columns]


def _with_spans(form: str, items: Iterable[Item]) -> Iterator[bytes]:
    if form == JSON_LINES:
        return (_line(source) for source in _sources(items))
    spans = (
        (source.trace.trace_id, span) for source in _sources(items) for span in source.in_time()
    )
    if form == CSV:
        return _encoded(csv.table(csv.COLUMNS, (csv.span_cells(*pair) for pair in spans)))
    types = [(name, _SPAN_TYPES.get(name, TEXT)) for name in csv.COLUMNS]
    return parquet.table(types, (_typed(*pair) for pair in spans))


_SPAN_TYPES: Final = {
    **dict.fromkeys(("start_time", "end_time"), TIME),
    **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), NUMBER),
    **dict.fromkeys(("duration_ms", "first_token_ms", "cost_usd"), REAL),
}


def _typed(trace_id: str, span: ExportedSpan) -> list[Any]:
    """Return the cells of a span with times and numbers as such, and all else as text."""
    cells = dict(zip(csv.COLUMNS, csv.span_cells(trace_id, span), strict=True))
    cells |= {"start_time": span.start_time, "end_time": span.end_time}
    cells["cost_usd"] = None if span.total_cost is None else float(span.total_cost)
    return [
        bytes(value).decode() if isinstance(value, msgspec.Raw) else value
        for value in cells.values()
    ]


def _sources(items: Iterable[Item]) -> Iterator[Source]:
    for item in items:
        source = item.source()
        if source is not None:
            yield source


def _line(source: Source) -> bytes:
    # In JSON, line breaks occur only between tokens; within texts they are escaped.
    return "".join(json.write(source)).replace("\r", " ").replace("\n", " ").encode() + b"\n"


def _otlp(items: Iterable[Item]) -> Iterator[str]:
    """Yield the resources of all traces as one request, one resource on each line."""
    yield otlp.BEGIN
    separator = ""
    for source in _sources(items):
        for text in otlp.lines(source):
            yield separator + text
            separator = ",\n"
    yield otlp.END


def _encoded(texts: Iterator[str]) -> Iterator[bytes]:
    return (text.encode() for text in texts)
