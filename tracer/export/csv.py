"""The spans of a trace as a table, one line each, safe to be opened as a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
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
# What makes a spreadsheet take a cell for a formula: these, also behind white space, and their
# wide forms, which some take for the same. A tab or line break alone moves what follows it.
_FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")


def write(source: Source) -> Iterator[str]:
    """Yield the header and one line for each span, in order of time."""
    buffer = io.StringIO()
    # Text is quoted whatever is in it, so that no other separator takes a cell apart.
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for span in source.in_time():
        yield _take(buffer)
        writer.writerow(_row(source.trace.trace_id, span))
    yield _take(buffer)


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _row(trace_id: str, span: ExportedSpan) -> list[Any]:
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
    return [cell(value) for value in cells.values()]


def cell(value: Any) -> Any:
    """Return a value as a cell; text that would be a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, msgspec.Raw):
        raw = bytes(value)
        # Text that is JSON only because everything is: without its quotes it reads better.
        value = msgspec.json.decode(raw) if raw[:1] == b'"' else raw.decode()
    # Numbers are ours to write, and a negative one is no formula.
    if not isinstance(value, str):
        return value
    return f"'{value}" if _FORMULA.match(value) else value


def _millis(span: ExportedSpan, time: Any) -> float | None:
    return round((time - span.start_time).total_seconds() * 1000, 3) if time else None
