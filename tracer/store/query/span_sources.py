"""Where the fields of spans are in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tracer.query.error_types import MAX_ERROR_TYPE_LENGTH, MODULE, NUMBER
from tracer.store.query.source import Column, Shape, Source, Table, exists_in
from tracer.store.schema import comments, scores, span_payloads, traces

_COLUMNS = {
    "id": "span_id",
    "name": "name",
    "kind": "kind",
    "status": "status",
    "level": "level",
    "start": "start_time",
    "end": "end_time",
    "tokens": "total_tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cost": "total_cost",
    "model": "model",
    "error": "status_message",
    "trace": "trace_id",
}
_OF_TRACE = {
    "trace_name": "name",
    "user": "user_id",
    "session": "session_id",
    "env": "environment",
    "release": "release",
}


def span_sources(table: Table) -> Mapping[str, Source]:
    """Return the sources of a span's fields; ``table`` is `spans` or an alias of it."""
    trace = traces.alias()
    score = scores.alias()
    of_trace = exists_in(trace, table, "trace_id")
    seconds = sa.extract("epoch", table.c.end_time - table.c.start_time)
    payload = span_payloads.alias()
    of_payload = exists_in(payload, table, "trace_id", "span_id")

    def wide(column: Column, shape: Shape = Shape.SCALAR) -> Source:
        return Source(column, shape, of_payload)

    return {
        **{name: Source(table.c[column]) for name, column in _COLUMNS.items()},
        **{name: Source(trace.c[column], of_row=of_trace) for name, column in _OF_TRACE.items()},
        "tag": Source(trace.c.tags, Shape.ARRAY, of_trace),
        "latency": Source(table.c.end_time - table.c.start_time),
        "first_token": Source(table.c.first_token_time - table.c.start_time),
        "speed": Source(table.c.output_tokens / sa.func.nullif(seconds, 0)),
        "flag": Source(table.c.flags, Shape.ARRAY),
        "error_type": Source(error_type(table.c.status_message)),
        "usage": wide(sa.cast(payload.c.usage, JSONB), Shape.JSON),
        "provider": wide(payload.c.provider),
        "prompt": wide(payload.c.prompt_name),
        "prompt_version": wide(payload.c.prompt_version),
        "finish": wide(payload.c.finish_reasons, Shape.ELEMENTS),
        "metadata": wide(sa.cast(payload.c.metadata, JSONB), Shape.JSON),
        "attribute": wide(sa.cast(payload.c.attributes, JSONB), Shape.JSON),
        "input": wide(sa.cast(payload.c.input, sa.Text), Shape.JSON_TEXT),
        "output": wide(sa.cast(payload.c.output, sa.Text), Shape.JSON_TEXT),
        "score": Source(score.c.name, Shape.SCORE, exists_in(score, table, "trace_id", "span_id")),
    }


def error_type(message: Column) -> Column:
    """Return the type of an error by its message, as `tracer.query.error_types` defines it."""
    first_line = sa.func.split_part(message, "\n", 1)
    before_colon = sa.func.split_part(first_line, ": ", 1)
    short = sa.func.left(before_colon, MAX_ERROR_TYPE_LENGTH)
    without_module = sa.func.regexp_replace(short, MODULE, "")
    return sa.func.regexp_replace(without_module, NUMBER, "#", "g", type_=sa.Text)


def span_presence(table: Table) -> Mapping[str, Column]:
    """Return the conditions of ``has:`` by its values."""
    payload = span_payloads.alias()
    of_payload = exists_in(payload, table, "trace_id", "span_id")

    def any_in(other: sa.Table) -> Column:
        rows: Any = other.alias()
        condition: Column = exists_in(rows, table, "trace_id", "span_id")(sa.true())
        return condition

    return {
        "error": table.c.level == "error",
        "warning": table.c.level == "warning",
        "parent": table.c.parent_span_id.is_not(None),
        "model": table.c.model.is_not(None),
        "tokens": table.c.total_tokens.is_not(None),
        "cost": table.c.total_cost.is_not(None),
        "flag": sa.func.cardinality(table.c.flags) > 0,
        "score": any_in(scores),
        "comment": any_in(comments),
        "input": of_payload(payload.c.input.is_not(None)),
        "output": of_payload(payload.c.output.is_not(None)),
        "prompt": of_payload(payload.c.prompt_name.is_not(None)),
    }


def span_texts(table: Table) -> list[Source]:
    """Return where words are looked for in a span."""
    sources = span_sources(table)
    return [
        *(Source(table.c[column]) for column in ("name", "span_id", "status_message", "model")),
        sources["input"],
        sources["output"],
    ]
