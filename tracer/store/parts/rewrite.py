"""Splits payloads that were stored before `parts` existed, in the background, in small steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row

from tracer import exact_json
from tracer.store.database.background_upgrade import BackgroundUpgrade, run_steps
from tracer.store.database.keys import SpanKey
from tracer.store.database.locks import lock_keys
from tracer.store.parts.columns import PROJECT_COLUMNS, SPLIT_COLUMNS, bit
from tracer.store.parts.save import save_parts
from tracer.store.parts.split import SHARED_FROM, SPLIT_FROM, Parts, as_one_part, encoder, split

UPGRADE: Final = BackgroundUpgrade("parts", since="0020")

_ROWS: Final = 200
"""Rows read in one transaction; their trace is locked meanwhile."""
_PAUSE: Final = 0.05
"""Seconds between two transactions, so that the rewrite takes a part of one processor only."""

_TRACE = """
    SELECT project_id, trace_id FROM span_payload_rows
    WHERE (project_id, trace_id, span_id) > (%s, %s, %s)
    ORDER BY project_id, trace_id, span_id LIMIT 1
"""
_LOCK = "SELECT FROM traces WHERE project_id = %s AND trace_id = %s FOR UPDATE"
# As the writer does it: the messages of a single call repeat nothing. In the order of
# `ix_spans_tree`: PostgreSQL may else scan the table where one trace is a large part of it.
_SEVERAL_CALLS = """
    SELECT count(*) > 1 FROM (
        SELECT FROM spans WHERE project_id = %s AND trace_id = %s AND kind = 'generation'
        ORDER BY parent_span_id, start_time, span_id LIMIT 2
    ) calls
"""
_ROWS_OF_TRACE = f"""
    SELECT span_id, split, {", ".join(f"{name}::text" for name in SPLIT_COLUMNS)}
    FROM span_payload_rows
    WHERE project_id = %s AND trace_id = %s AND span_id > %s ORDER BY span_id LIMIT {_ROWS}
"""  # noqa: S608 - composed of constants; values are bound


def rewrite(url: str, wait: Callable[[float], bool]) -> None:
    """Rewrite payloads until all are done or ``wait(seconds)`` returns True to stop."""
    run_steps(url, rewrite_some, _PAUSE, wait)


def rewrite_some(connection: psycopg.Connection[Any]) -> bool:
    """Rewrite the next rows of one trace, and commit; False: there are none, or another does."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        position = UPGRADE.lock_position(cursor)
        if position is None:
            return False
        trace = cursor.execute(_TRACE, position).fetchone()
        if trace is None:
            UPGRADE.finish(cursor)
            return False
        project_id, trace_id = trace
        after = position[2] if position[:2] == [project_id, trace_id] else ""
        # While the trace is locked, no other transaction writes to it or deletes it.
        cursor.execute(_LOCK, trace)
        lock_keys(connection, [trace])
        with connection.cursor(row_factory=dict_row) as reader:
            rows = reader.execute(_ROWS_OF_TRACE, (project_id, trace_id, after)).fetchall()
        columns: Sequence[str] = PROJECT_COLUMNS
        if cursor.execute(_SEVERAL_CALLS, trace).fetchone() == (True,):
            columns = SPLIT_COLUMNS
        for payload in rows:
            if payload["split"] is None:
                key = project_id, trace_id, payload["span_id"]
                _rewrite(cursor, key, {name: payload[name] for name in columns})
        # None are left where the trace was deleted meanwhile.
        last = rows[-1]["span_id"] if rows else after
        UPGRADE.advance(cursor, (project_id, trace_id, last), len(rows))
    return True


def _rewrite(cursor: psycopg.Cursor[Any], key: SpanKey, row: Mapping[str, str | None]) -> None:
    project_id, trace_id, _ = key
    parts: Parts = {}
    project_parts: Parts = {}
    skeletons: dict[str, str] = {}
    for column, text in row.items():
        if text is None:
            continue
        skeleton = (
            _shared(text, project_parts) if column in PROJECT_COLUMNS else _split(text, parts)
        )
        if skeleton is not None:
            skeletons[column] = skeleton.decode()
    if not skeletons:
        return
    save_parts(cursor, {(project_id, ""): project_parts, (project_id, trace_id): parts}, {})
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = %s::json").format(sql.Identifier(column)) for column in skeletons
    )
    cursor.execute(
        sql.SQL(
            "UPDATE span_payload_rows SET {}, split = %s"
            " WHERE project_id = %s AND trace_id = %s AND span_id = %s"
        ).format(assignments),
        [*skeletons.values(), sum(map(bit, skeletons)), *key],
    )


def _shared(text: str, parts: Parts) -> bytes | None:
    encoded = text.encode()
    return as_one_part(encoded, parts) if len(encoded) >= SHARED_FROM else None


def _split(text: str, parts: Parts) -> bytes | None:
    encoded = text.encode()
    if len(encoded) < SPLIT_FROM:
        return None
    value = exact_json.decode(encoded)
    # Numbers that only the text has in full would change.
    return split(value, len(encoded), parts) if encoder.encode(value) == encoded else None
