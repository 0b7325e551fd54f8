"""CSV export: one line per span, safe to open in a spreadsheet program."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from tracer.export.records import ExportedSpan, Source
from tracer.times import json_time

COLUMNS: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "kind",
    "name",
    "status",
    "level",
    "status_message",
    "start_time",
    "end_time",
    "duration_ms",
    "first_token_ms",
    "model",
    "provider",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cost_usd",
    "cost_source",
    "flags",
    "usage",
    "finish_reasons",
    "input",
    "output",
    "metadata",
)
# A spreadsheet program may run a cell as a formula if it starts with one of these characters or
# their full-width forms, also after white space. A leading tab or line break shifts the cell.
_FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")


def write(source: Source) -> Iterator[str]:
    """Yield the header and one line for each span, in time order."""
    return table(COLUMNS, (span_cells(source.trace.trace_id, span) for span in source.in_time()))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the line of the headings and a line for each row of values."""
    buffer = io.StringIO()
    # All text is quoted, so that a program with another separator does not split a cell.
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        yield _drain(buffer)
        writer.writerow([cell(value) for value in row])
    yield _drain(buffer)


def _drain(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def span_cells(trace_id: str, span: ExportedSpan) -> list[Any]:
    """Return the values of `COLUMNS` of a span; payloads are JSON text."""
    cells: dict[str, Any] = {
        **{name: getattr(span, name, None) for name in COLUMNS},
        "trace_id": trace_id,
        "start_time": json_time(span.start_time),
        "end_time": json_time(span.end_time) if span.end_time else None,
        "duration_ms": _millis(span, span.end_time),
        "first_token_ms": _millis(span, span.first_token_time),
        "cost_usd": span.total_cost,
        "flags": " ".join(span.flags or []),
    }
    return list(cells.values())


def cell(value: Any) -> Any:
    """Return a value as a cell; text that could be a formula is prefixed with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, msgspec.Raw):
        raw = bytes(value)
        # A JSON string is written as plain text, other JSON as it is stored.
        value = msgspec.json.decode(raw) if raw[:1] == b'"' else raw.decode()
    # A number comes from Tracer, not from user text, and a leading minus makes no formula.
    if not isinstance(value, str):
        return value
    return f"'{value}" if _FORMULA.match(value) else value


def text_of(cell_text: str) -> str:
    """Return the text of which `cell` made this one."""
    is_marked = cell_text.startswith("'") and _FORMULA.match(cell_text, 1)
    return cell_text[1:] if is_marked else cell_text


def _millis(span: ExportedSpan, time: Any) -> float | None:
    return round((time - span.start_time).total_seconds() * 1000, 3) if time else None
