"""The columns of a file of traces, by the names that the list of traces has for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tracer import exact_json
from tracer.times import json_time

TEXT, NUMBER, REAL, TIME, FLAG = "text", "number", "real", "time", "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading in the file, the type of its values, and their reader."""

    heading: str
    type: str
    value_of: Callable[[Any, dict[str, Any]], Any]
    """Called with the row of a trace (`tracer.store.traces.traces.TraceRow`) and its metadata."""


def _plain(heading: str, type_: str, attribute: str) -> Column:
    return Column(heading, type_, lambda row, _: getattr(row, attribute))


def _json(value: object) -> str:
    return exact_json.encode(value).decode()


_KNOWN: Final = {
    "id": _plain("id", TEXT, "trace_id"),
    "status": _plain("status", TEXT, "status"),
    "name": _plain("name", TEXT, "name"),
    "input": _plain("input", TEXT, "input_preview"),
    "output": _plain("output", TEXT, "output_preview"),
    "error": _plain("error_message", TEXT, "error_message"),
    "start": _plain("start_time", TIME, "start_time"),
    "end": _plain("end_time", TIME, "end_time"),
    "latency": Column(
        "duration_ms",
        REAL,
        lambda row, _: round((row.end_time - row.start_time).total_seconds() * 1000, 3),
    ),
    "spans": _plain("span_count", NUMBER, "span_count"),
    "errors": _plain("error_count", NUMBER, "error_count"),
    "input_tokens": _plain("input_tokens", NUMBER, "input_tokens"),
    "output_tokens": _plain("output_tokens", NUMBER, "output_tokens"),
    "tokens": _plain("total_tokens", NUMBER, "total_tokens"),
    "cost": Column(
        "cost_usd", REAL, lambda row, _: None if row.total_cost is None else float(row.total_cost)
    ),
    "user": _plain("user_id", TEXT, "user_id"),
    "session": _plain("session_id", TEXT, "session_id"),
    "env": _plain("environment", TEXT, "environment"),
    "release": _plain("release", TEXT, "release"),
    "version": _plain("version", TEXT, "version"),
    "model": Column("models", TEXT, lambda row, _: ", ".join(row.models)),
    "tags": Column("tags", TEXT, lambda row, _: _json(row.tags)),
    "marks": _plain("bookmarked", FLAG, "bookmarked"),
    "scores": Column(
        "scores",
        TEXT,
        lambda row, _: _json({score.name: _score(score) for score in row.scores}),
    ),
}
_ALWAYS: Final = ("id", "status")
DEFAULT: Final = (*_KNOWN, "metadata")


def select_columns(names: Sequence[str]) -> list[Column]:
    """Return the columns of these names, id and status first; none: all, and the metadata.

    ``metadata.plan`` and ``score.helpful`` are columns of their own. Unknown names are left out.
    """
    requested = dict.fromkeys([*_ALWAYS, *(names or DEFAULT)])
    return [column for name in requested if (column := _column(name)) is not None]


def _column(name: str) -> Column | None:
    if name in _KNOWN:
        return _KNOWN[name]
    if name == "metadata":
        return Column("metadata", TEXT, lambda _, metadata: _json(metadata))
    kind, _, key = name.partition(".")
    if kind == "metadata" and key:
        return Column(name, TEXT, lambda _, metadata: _value(metadata.get(key)))
    if kind == "score" and key:
        return Column(name, TEXT, lambda row, _: _score_of(row, key))
    return None


def _value(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _json(value)


def _score_of(row: Any, name: str) -> str | None:
    score = next((score for score in row.scores if score.name == name), None)
    return None if score is None else str(_score(score))


def _score(score: Any) -> Any:
    return score.value if score.string_value is None else score.string_value


def as_text(column: Column, value: Any) -> Any:
    """Return a value for JSON and CSV: a time as ISO 8601 in UTC."""
    return json_time(value) if column.type == TIME and value is not None else value
