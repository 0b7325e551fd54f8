"""Evaluates queries over plain rows in memory: the SQL must have the same results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from tests.support.query.world import Row, World
from tracer.query.error_types import error_type
from tracer.query.fields import Field, Grain, Type
from tracer.query.moments import Clock, Moment, is_period, resolve
from tracer.query.tree import (
    And,
    Between,
    Compare,
    Equal,
    Glob,
    Match,
    Node,
    Not,
    Or,
    Related,
    SpanPath,
    Spans,
    Term,
    Words,
)

COLUMNS = {
    Grain.TRACE: {
        **{name: name for name in ("name", "status", "release", "version")},
        **{"id": "trace_id", "start": "start_time", "end": "end_time", "spans": "span_count"},
        **{"errors": "error_count", "warnings": "warning_count", "tokens": "total_tokens"},
        **{"input_tokens": "input_tokens", "output_tokens": "output_tokens"},
        **{"cost": "total_cost", "user": "user_id", "session": "session_id"},
        **{"env": "environment", "input": "input_preview", "output": "output_preview"},
        **{"error": "error_message", "model": "models", "kind": "kinds", "tag": "tags"},
    },
    Grain.SPAN: {
        **{name: name for name in ("name", "kind", "status", "level", "model", "provider")},
        **{"id": "span_id", "start": "start_time", "end": "end_time", "tokens": "total_tokens"},
        **{"input_tokens": "input_tokens", "output_tokens": "output_tokens"},
        **{"cost": "total_cost", "error": "status_message", "trace": "trace_id"},
        **{"flag": "flags", "prompt": "prompt_name", "prompt_version": "prompt_version"},
        **{"finish": "finish_reasons"},
    },
    Grain.SESSION: {
        **{"id": "session_id", "start": "start_time", "end": "end_time", "traces": "trace_count"},
        **{"errors": "error_count", "running": "running_count", "spans": "span_count"},
        **{"tokens": "total_tokens", "cost": "total_cost"},
    },
}
JSON_TEXTS = ("input", "output")
OF_TRACE = {"trace_name": "name", "user": "user_id", "session": "session_id", "name": "name"}
OF_TRACE |= {"env": "environment", "release": "release", "tag": "tags"}


class Evaluator:
    """Answers whether rows of a world match queries."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def matches(self, node: Node, grain: Grain, row: Row) -> bool:
        """Return whether the row of this grain matches."""
        match node:
            case And():
                return all(self.matches(item, grain, row) for item in node.items)
            case Or():
                return any(self.matches(item, grain, row) for item in node.items)
            case Not():
                return not self.matches(node.item, grain, row)
            case Words():
                return self._words(node.text, grain, row)
            case Spans():
                return self._spans(node, grain, row)
            case Related():
                related = self._related(node.grain, grain, row)
                return any(self.matches(node.item, node.grain, other) for other in related)
        return self._term(node, grain, row)

    def _traces(self, grain: Grain, row: Row) -> list[Row]:
        key = {Grain.SESSION: "session_id"}.get(grain, "trace_id")
        return [trace for trace in self._world.traces if trace[key] == row[key]]

    def _related(self, target: Grain, grain: Grain, row: Row) -> list[Row]:
        traces = [row] if grain is Grain.TRACE else self._traces(grain, row)
        if target is Grain.TRACE:
            return traces
        ids = {trace["session_id"] for trace in traces}
        return [session for session in self._world.sessions if session["session_id"] in ids]

    def _own_spans(self, grain: Grain, row: Row) -> list[Row]:
        traces = [row] if grain is Grain.TRACE else self._traces(grain, row)
        ids = {trace["trace_id"] for trace in traces}
        rows = self._world.spans
        return [span for span in rows if span["trace_id"] in ids and not span["placeholder"]]

    def _spans(self, node: Spans, grain: Grain, row: Row) -> bool:
        spans = self._own_spans(grain, row)
        number = sum(self._path(node.path, span) for span in spans)
        if node.quantifier == "all":
            return number == len(spans)
        if node.quantifier == "any":
            return number > 0
        operator = "==" if node.operator == "=" else node.operator
        return bool(eval(f"{number} {operator} {node.number}"))

    def _path(self, path: SpanPath, span: Row) -> bool:
        if not self.matches(path.steps[-1], Grain.SPAN, span):
            return False
        if len(path.steps) == 1:
            return True
        rest = SpanPath(path.steps[:-1], path.joins[:-1])
        above = list(self._above(span))
        if path.joins[-1] == ">":
            above = above[:1]
        return any(not other["placeholder"] and self._path(rest, other) for other in above)

    def _above(self, span: Row) -> Iterable[Row]:
        by_id = {other["span_id"]: other for other in self._world.spans}
        while span["parent_span_id"] is not None:
            span = by_id[span["parent_span_id"]]
            yield span

    def _words(self, text: str, grain: Grain, row: Row) -> bool:
        if grain is Grain.TRACE:
            names = ["name", "trace_id", "input_preview", "output_preview", "error_message"]
        elif grain is Grain.SPAN:
            names = ["name", "span_id", "status_message", "model"]
            payloads = [msgspec.json.encode(row[name] or "").decode() for name in JSON_TEXTS]
            if any(contains(value, [escaped(text)]) for value in payloads):
                return True
        else:
            names = ["session_id"]
            if any(contains(trace["name"], [text]) for trace in self._traces(grain, row)):
                return True
        return any(contains(row[name], [text]) for name in names)

    def _term(self, term: Term, grain: Grain, row: Row) -> bool:
        if term.field.name == "has":
            sought = [match.value for match in term.matches if isinstance(match, Equal)]
            return any(self._has(str(value), grain, row) for value in sought)
        if term.field.name == "score":
            return any(score_matches(score, term) for score in self._scores(grain, row))
        if grain is Grain.SPAN and term.field.name in JSON_TEXTS:
            value = row[term.field.name]
            text = None if value is None else msgspec.json.encode(value).decode()
            return any(contains(text, map(escaped, prose_parts(m))) for m in term.matches)
        values = self._values(term, grain, row)
        test = self._value_matches
        return any(test(term.field, value, match) for value in values for match in term.matches)

    def _values(self, term: Term, grain: Grain, row: Row) -> list[Any]:
        name, key = term.field.name, term.key
        if name in ("metadata", "attribute", "usage"):
            column = "attributes" if name == "attribute" else name
            return at_key(row[column] or {}, key or "")
        if name == "comment":
            return [comment["text"] for comment in self._annotations("comments", grain, row)]
        if name == "error_type":
            message = row["status_message"]
            return [None if message is None else error_type(message)]
        if name == "latency":
            return [since(row, "end_time")]
        if name == "first_token":
            return [since(row, "first_token_time")]
        if name == "speed":
            length = since(row, "end_time")
            tokens = row["output_tokens"]
            return [None if tokens is None or not length else Decimal(tokens) / length]
        if name not in COLUMNS[grain]:
            values = [trace[OF_TRACE[name]] for trace in self._traces(grain, row)]
        else:
            values = [row[COLUMNS[grain][name]]]
        return [item for value in values for item in (value if is_many(value) else [value])]

    def _annotations(self, table: str, grain: Grain, row: Row) -> list[Row]:
        keys = {Grain.TRACE: ["trace_id"], Grain.SPAN: ["trace_id", "span_id"]}
        names = keys.get(grain, ["session_id"])
        rows: list[Row] = getattr(self._world, table)
        return [other for other in rows if all(other.get(name) == row[name] for name in names)]

    def _scores(self, grain: Grain, row: Row) -> list[Row]:
        return self._annotations("scores", grain, row)

    def _has(self, value: str, grain: Grain, row: Row) -> bool:
        if value in ("comment", "score", "bookmark"):
            return bool(self._annotations(f"{value}s", grain, row))
        if grain is Grain.SPAN and value in ("error", "warning"):
            return bool(row["level"] == value)
        counts = {"error": "error", "warning": "warning", "unpriced": "unpriced", "flag": "flagged"}
        if grain is not Grain.SPAN and value in counts:
            return bool(row[f"{counts[value]}_count"] > 0)
        names = {"tokens": "total_tokens", "cost": "total_cost", "parent": "parent_span_id"}
        columns = {**COLUMNS[grain], **names, "metadata": "metadata"}
        if grain is Grain.SPAN:
            columns |= {"input": "input", "output": "output"}
        if grain is Grain.SESSION and value in OF_TRACE:
            return any(has_any(trace[OF_TRACE[value]]) for trace in self._traces(grain, row))
        return has_any(row[columns[value]])

    def _value_matches(self, field: Field, value: Any, match: Match) -> bool:
        if value is None:
            return False
        if field.type is Type.PROSE:
            return contains(value, prose_parts(match))
        if field.type is Type.ANY:
            return any_matches(value, match)
        if isinstance(match, Glob):
            return glob(value, match.parts)
        if field.type is Type.TIME:
            return self._time_matches(value, match)
        if field.ordered:
            order = list(field.choices)
            return number_matches(order.index(value), _positions(match, order))
        if field.type in (Type.TEXT, Type.CHOICE):
            return isinstance(match, Equal) and bool(value == match.value)
        return number_matches(value, match)

    def _time_matches(self, value: datetime, match: Match) -> bool:
        if isinstance(match, Equal):
            start, end = self._resolved(match.value)
            return start <= value < end
        if isinstance(match, Between):
            low = match.low is None or self._time_matches(value, Compare(">=", match.low))
            if match.high is None:
                return low
            start, end = self._resolved(match.high)
            return low and (value <= start or value < end)
        assert isinstance(match, Compare)
        assert isinstance(match.value, Moment)
        start, end = self._resolved(match.value)
        if is_period(match.value):
            inside_counts = {">": value >= end, "<=": value < end}
            if match.operator in inside_counts:
                return inside_counts[match.operator]
        return number_matches(value, Compare(match.operator, start))  # type: ignore[arg-type]

    def _resolved(self, value: Any) -> tuple[datetime, datetime]:
        return resolve(value, self._clock)


def since(row: Row, end: str) -> Decimal | None:
    """Return the seconds from the row's start to another of its times."""
    if row[end] is None:
        return None
    return Decimal((row[end] - row["start_time"]) // timedelta(microseconds=1)) / 1_000_000


def prose_parts(match: Match) -> list[str]:
    """Return the texts to look for, in order."""
    assert isinstance(match, Equal | Glob)
    return list(match.parts) if isinstance(match, Glob) else [str(match.value)]


def escaped(text: str) -> str:
    """Return a text as it stands within a JSON string."""
    return msgspec.json.encode(text).decode()[1:-1]


def is_many(value: Any) -> bool:
    """Return whether a column holds several values: an array, or the keys of an object."""
    return isinstance(value, list | dict)


def has_any(value: Any) -> bool:
    """Return whether a column holds something: a value, or one element."""
    return bool(value) if is_many(value) else value is not None


def contains(value: str | None, parts: Any) -> bool:
    """Return whether a text has these parts in this order, in upper or lower case."""
    pattern = ".*".join(re.escape(str(part)) for part in parts)
    return value is not None and bool(re.search(pattern, value, re.IGNORECASE | re.DOTALL))


def glob(value: str, parts: Any) -> bool:
    """Return whether a text consists of these parts with anything between them."""
    return bool(re.fullmatch(".*".join(map(re.escape, parts)), value, re.DOTALL))


def number_matches(value: Any, match: Match) -> bool:
    """Return whether an ordered value matches."""
    if isinstance(match, Equal):
        return bool(value == match.value)
    if isinstance(match, Between):
        low: Any = match.low
        high: Any = match.high
        return (low is None or value >= low) and (high is None or value <= high)
    assert isinstance(match, Compare)
    other: Any = match.value
    below, above = value < other, value > other
    return bool({"<": below, "<=": not above, ">": above, ">=": not below}[match.operator])


def _positions(match: Match, order: list[str]) -> Any:
    if isinstance(match, Between):
        low, high = (None if x is None else order.index(str(x)) for x in (match.low, match.high))
        return Between(low, high)  # type: ignore[arg-type]
    if isinstance(match, Compare):
        return Compare(match.operator, order.index(str(match.value)))  # type: ignore[arg-type]
    assert isinstance(match, Equal)
    return Equal(order.index(str(match.value)))  # type: ignore[arg-type]


def at_key(values: dict[str, Any], key: str) -> list[Any]:
    """Return the values at the key and at its path; nothing where there is neither."""
    path: Any = values
    for name in key.split("."):
        path = path.get(name) if isinstance(path, dict) else None
    return [value for value in (values.get(key), path) if value is not None]


def any_matches(value: Any, match: Match) -> bool:
    """Return whether a JSON value matches: as text, or as a number."""
    text = json_text(value)
    if text is None:
        return False
    if isinstance(match, Equal):
        return text == str(match.value)
    if isinstance(match, Glob):
        return glob(text, match.parts)
    number = re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,12})?([eE][+-]?\d{1,2})?", text)
    return number is not None and number_matches(Decimal(text), match)


def json_text(value: Any) -> str | None:
    """Return a JSON value as the text that PostgreSQL makes of it: objects and lists as sent."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return f"{value:.1f}".replace("-0.0", "0.0")
    return str(value) if isinstance(value, str | int | float) else None


def score_matches(score: Row, term: Term) -> bool:
    """Return whether a score has the name and one of the values of the term."""
    return score["name"] == term.key and any(_score_matches(score, m) for m in term.matches)


def _score_matches(score: Row, match: Match) -> bool:
    if isinstance(match, Glob):
        return glob(score["string_value"] or "", match.parts)
    if not isinstance(match, Equal):
        return score["value"] is not None and number_matches(score["value"], match)
    text = str(match.value)
    if score["string_value"] == text:
        return True
    if score["data_type"] == "boolean" and text in ("true", "false"):
        return bool(score["value"] == (text == "true"))
    number = re.fullmatch(r"[+-]?(\d+(\.\d+)?|\.\d+)", text)
    return number is not None and score["value"] == float(text)
