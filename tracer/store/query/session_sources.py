"""Where the fields of sessions and users are in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from tracer.store.query.source import Column, Shape, Source, Table, exists_in
from tracer.store.schema import bookmarks, comments, scores, traces

_SESSION_COLUMNS = {
    "id": "session_id",
    "start": "start_time",
    "end": "end_time",
    "traces": "trace_count",
    "errors": "error_count",
    "running": "running_count",
    "spans": "span_count",
    "tokens": "total_tokens",
    "cost": "total_cost",
}
_OF_TRACES = {"user": "user_id", "env": "environment", "release": "release", "name": "name"}
_USER_COLUMNS = {
    "id": "user_id",
    "start": "start_time",
    "end": "end_time",
    "traces": "trace_count",
    "sessions": "session_count",
    "errors": "error_count",
    "tokens": "total_tokens",
    "cost": "total_cost",
}


def session_sources(table: Table) -> Mapping[str, Source]:
    """Return the sources of a session's fields; ``table`` is `sessions` or an alias of it."""
    trace = traces.alias()
    score = scores.alias()
    comment = comments.alias()
    of_traces = exists_in(trace, table, "session_id")
    return {
        **{name: Source(table.c[column]) for name, column in _SESSION_COLUMNS.items()},
        **{name: Source(trace.c[column], of_row=of_traces) for name, column in _OF_TRACES.items()},
        "tag": Source(trace.c.tags, Shape.ARRAY, of_traces),
        "latency": Source(table.c.end_time - table.c.start_time),
        "score": Source(score.c.name, Shape.SCORE, exists_in(score, table, "session_id")),
        "comment": Source(comment.c.text, of_row=exists_in(comment, table, "session_id")),
    }


def session_presence(table: Table) -> Mapping[str, Column]:
    """Return the conditions of ``has:`` by its values."""
    trace = traces.alias()
    of_traces = exists_in(trace, table, "session_id")

    def any_in(other: sa.Table) -> Column:
        rows: Any = other.alias()
        condition: Column = exists_in(rows, table, "session_id")(sa.true())
        return condition

    return {
        "error": table.c.error_count > 0,
        "comment": any_in(comments),
        "score": any_in(scores),
        "bookmark": any_in(bookmarks),
        "user": of_traces(trace.c.user_id.is_not(None)),
        "tag": of_traces(sa.func.cardinality(trace.c.tags) > 0),
        "tokens": table.c.total_tokens.is_not(None),
        "cost": table.c.total_cost.is_not(None),
    }


def session_texts(table: Table) -> list[Source]:
    """Return where words are looked for in a session: its id, and its traces' texts."""
    trace = traces.alias()
    of_traces = exists_in(trace, table, "session_id")
    return [
        Source(table.c.session_id),
        Source(trace.c.name, of_row=of_traces),
    ]


def user_sources(table: Table) -> Mapping[str, Source]:
    """Return the sources of a user's fields; ``table`` sums traces by user."""
    trace = traces.alias()
    of_traces = exists_in(trace, table, "user_id")
    columns = {name: column for name, column in _OF_TRACES.items() if name != "user"}
    return {
        **{name: Source(table.c[column]) for name, column in _USER_COLUMNS.items()},
        **{name: Source(trace.c[column], of_row=of_traces) for name, column in columns.items()},
        "tag": Source(trace.c.tags, Shape.ARRAY, of_traces),
    }


def user_presence(table: Table) -> Mapping[str, Column]:
    """Return the conditions of ``has:`` by its values."""
    return {
        "error": table.c.error_count > 0,
        "session": table.c.session_count > 0,
        "tokens": table.c.total_tokens.is_not(None),
        "cost": table.c.total_cost.is_not(None),
    }


def user_texts(table: Table) -> list[Source]:
    """Return where words are looked for in a user."""
    return [Source(table.c.user_id)]
