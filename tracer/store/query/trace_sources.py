"""Where the fields of traces are in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from tracer.store.query.source import Column, Shape, Source, Table, exists_in
from tracer.store.schema import bookmarks, comments, scores, trace_payloads

_COLUMNS = {
    "id": "trace_id",
    "name": "name",
    "status": "status",
    "start": "start_time",
    "end": "end_time",
    "spans": "span_count",
    "errors": "error_count",
    "warnings": "warning_count",
    "tokens": "total_tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cost": "total_cost",
    "user": "user_id",
    "session": "session_id",
    "env": "environment",
    "release": "release",
    "version": "version",
}


def trace_sources(table: Table) -> Mapping[str, Source]:
    """Return the sources of a trace's fields; ``table`` is `traces` or an alias of it."""
    score = scores.alias()
    comment = comments.alias()
    wide = payload_of(table)
    return {
        **{name: Source(table.c[column]) for name, column in _COLUMNS.items()},
        "latency": Source(table.c.end_time - table.c.start_time),
        "model": Source(table.c.models, Shape.KEYS),
        "tag": Source(table.c.tags, Shape.ARRAY),
        "kind": wide("kinds", Shape.KEYS),
        "usage": wide("usage", Shape.JSON),
        "metadata": wide("metadata", Shape.JSON),
        "input": wide("input_preview"),
        "output": wide("output_preview"),
        "error": wide("error_message"),
        "score": Source(score.c.name, Shape.SCORE, exists_in(score, table, "trace_id")),
        "comment": Source(comment.c.text, of_row=exists_in(comment, table, "trace_id")),
    }


def payload_of(table: Table) -> Callable[..., Source]:
    """Return the function from a column of `trace_payloads` to its source."""
    payload = trace_payloads.alias()
    of_payload = exists_in(payload, table, "trace_id")
    return lambda column, shape=Shape.SCALAR: Source(payload.c[column], shape, of_payload)


def trace_presence(table: Table) -> Mapping[str, Column]:
    """Return the conditions of ``has:`` by its values."""
    wide = payload_of(table)

    def present(column: str) -> Column:
        source = wide(column)
        return source.of_row(source.column.is_not(None))

    def full(column: str) -> Column:
        source = wide(column)
        return source.of_row(sa.cast(source.column, sa.Text) != "{}")

    def any_in(other: sa.Table) -> Column:
        rows = other.alias()
        condition: Column = exists_in(rows, table, "trace_id")(sa.true())
        return condition

    return {
        "error": table.c.error_count > 0,
        "warning": table.c.warning_count > 0,
        "comment": any_in(comments),
        "score": any_in(scores),
        "bookmark": any_in(bookmarks),
        "user": table.c.user_id.is_not(None),
        "session": table.c.session_id.is_not(None),
        "release": table.c.release.is_not(None),
        "version": table.c.version.is_not(None),
        "tag": sa.func.cardinality(table.c.tags) > 0,
        "input": present("input_preview"),
        "output": present("output_preview"),
        "metadata": full("metadata"),
        "model": sa.cast(table.c.models, sa.Text) != "{}",
        "tokens": table.c.total_tokens.is_not(None),
        "cost": table.c.total_cost.is_not(None),
        "unpriced": table.c.unpriced_count > 0,
        "flag": table.c.flagged_count > 0,
    }
