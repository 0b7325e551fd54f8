"""The statements that write traces, their spans, their sessions, and scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tracer import exact_json
from tracer.merging import traces as rollup
from tracer.merging.arrivals import Change, SessionContribution
from tracer.merging.claims import PAYLOADS, UNLOADED
from tracer.records import ScoreRecord
from tracer.store import schema
from tracer.store.database import locks
from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.deletion import tombstones
from tracer.store.rollups import score_hours
from tracer.store.scores import trace_fields
from tracer.store.writing.copy_spans import copy_spans
from tracer.times import sql_time

SessionKey = tuple[str, str]
"""(project_id, session_id)"""


def _typed(columns: Iterable[sa.Column[Any]]) -> str:
    """Return the columns as the column definition list of json_to_recordset."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return ", ".join(f"{column.name} {column.type.compile(dialect)}" for column in columns)


def _merged(*tables: sa.Table) -> dict[str, sa.Column[Any]]:
    return {column.name: column for table in tables for column in table.columns}


_KEY = ("project_id", "trace_id")
_NARROW = [column.name for column in schema.traces.c if column.name != "updated_at"]
_WIDE = [column.name for column in schema.trace_payloads.c]
_LARGE = ("input", "output")
_ROW = _typed(_merged(schema.traces, schema.trace_payloads).values())

# A trace is one row of each table, and one JSON object of the parameter.
_INSERT_TRACES = f"""
    WITH r AS MATERIALIZED (SELECT * FROM json_to_recordset(%s::json) AS r ({_ROW})),
    inserted AS (
        INSERT INTO traces ({", ".join(_NARROW)}) SELECT {", ".join(_NARROW)} FROM r
        ON CONFLICT (project_id, trace_id) DO NOTHING
        RETURNING project_id, trace_id
    ), payloads AS (
        INSERT INTO trace_payloads ({", ".join(_WIDE)})
        SELECT {", ".join(_WIDE)} FROM r JOIN inserted USING (project_id, trace_id)
    )
    SELECT project_id, trace_id FROM inserted
"""  # noqa: S608 - composed of constants; values are bound


def _assigned(names: Iterable[str], unchanged: Iterable[str]) -> str:
    """Return the SET list that assigns the values of `r` to all columns except ``unchanged``."""
    return ", ".join(f"{name} = r.{name}" for name in names if name not in unchanged)


# Input and output of a trace are large and rare: where they were not loaded, they stay unchanged.
# `updated_at` is clock_timestamp() under the row lock, so that two changes never have the same time
# (start times of transactions might): a page compares it to detect changes.
_UPDATE_TRACES = f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json)
            AS r ({_ROW}, has_input boolean, has_output boolean)
    ), narrow AS (
        UPDATE traces t SET {_assigned(_NARROW, _KEY)}, updated_at = clock_timestamp()
        FROM r WHERE t.project_id = r.project_id AND t.trace_id = r.trace_id
    )
    UPDATE trace_payloads p SET {_assigned(_WIDE, (*_KEY, *_LARGE))},
        input = CASE WHEN r.has_input THEN r.input ELSE p.input END,
        output = CASE WHEN r.has_output THEN r.output ELSE p.output END
    FROM r WHERE p.project_id = r.project_id AND p.trace_id = r.trace_id
"""  # noqa: S608 - composed of constants; values are bound

_DELETE = """
    DELETE FROM {} t
    USING unnest(%b::text[], %b::text[], %b::text[]) k (project_id, trace_id, span_id)
    WHERE t.project_id = k.project_id AND t.trace_id = k.trace_id AND t.span_id = k.span_id
"""

# All writers lock sessions in this order, so that two writers can't deadlock.
_ADD_TO_SESSIONS = f"""
    INSERT INTO sessions AS s
    SELECT * FROM json_to_recordset(%s::json) AS r ({_typed(schema.sessions.c)})
    ORDER BY project_id, session_id
    ON CONFLICT (project_id, session_id) DO UPDATE SET
        start_time = least(s.start_time, excluded.start_time),
        end_time = greatest(s.end_time, excluded.end_time),
        trace_count = s.trace_count + excluded.trace_count,
        error_count = s.error_count + excluded.error_count,
        running_count = s.running_count + excluded.running_count,
        span_count = s.span_count + excluded.span_count,
        total_tokens = coalesce(s.total_tokens + excluded.total_tokens,
            s.total_tokens, excluded.total_tokens),
        total_cost = coalesce(s.total_cost + excluded.total_cost,
            s.total_cost, excluded.total_cost)
"""  # noqa: S608 - composed of constants; values are bound

_RECOMPUTE_SESSIONS = """
    UPDATE sessions s SET start_time = b.first, end_time = b.last,
        total_tokens = b.tokens, total_cost = b.cost
    FROM (
        SELECT t.project_id, t.session_id, min(start_time) AS first, max(end_time) AS last,
            sum(total_tokens)::bigint AS tokens, sum(total_cost) AS cost
        FROM traces t
        JOIN unnest(%b::text[], %b::text[]) k (project_id, session_id)
            USING (project_id, session_id)
        GROUP BY t.project_id, t.session_id
    ) b
    WHERE s.project_id = b.project_id AND s.session_id = b.session_id
"""

_DROP_EMPTY_SESSIONS = """
    DELETE FROM sessions s USING unnest(%b::text[], %b::text[]) k (project_id, session_id)
    WHERE s.project_id = k.project_id AND s.session_id = k.session_id AND s.trace_count <= 0
"""

_OWN_OF_SCORES = [
    column for column in schema.scores.c if column.name not in ("trace_start", "trace_environment")
]
# While its trace is being written, a stored score keeps its copy of the trace's
# fields: the transaction that writes the trace changes the copy.
_KEPT = f"""
    CASE WHEN octet_length(excluded.name) <= {trace_fields.MAX_NAME_BYTES}
        THEN coalesce(excluded.{{0}}, s.{{0}}) END
"""
_SAVE_SCORES = f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS r ({_typed(_OWN_OF_SCORES)})
    ),
    t AS MATERIALIZED ({trace_fields.LOCKED_TRACES.format("r")}),
    renamed AS MATERIALIZED (
        SELECT s.project_id, s.trace_start FROM scores s
        JOIN r USING (project_id, trace_id, score_id)
        WHERE octet_length(r.name) > {trace_fields.MAX_NAME_BYTES} FOR UPDATE OF s
    ),
    saved AS (INSERT INTO scores AS s ({", ".join(column.name for column in _OWN_OF_SCORES)},
        trace_start, trace_environment)
    SELECT r.*, t.start_time, t.environment
    FROM r LEFT JOIN t ON t.project_id = r.project_id AND t.trace_id = r.trace_id
        AND octet_length(r.name) <= {trace_fields.MAX_NAME_BYTES}
    ORDER BY r.project_id, r.trace_id, r.score_id
    ON CONFLICT (project_id, trace_id, score_id) DO UPDATE SET
        span_id = excluded.span_id, session_id = excluded.session_id, name = excluded.name,
        data_type = excluded.data_type, value = excluded.value,
        string_value = excluded.string_value, comment = excluded.comment,
        source = excluded.source, metadata = excluded.metadata, time = excluded.time,
        author = excluded.author, author_id = excluded.author_id,
        config_id = excluded.config_id, environment = excluded.environment,
        queue_id = excluded.queue_id, run_id = excluded.run_id,
        trace_start = {_KEPT.format("trace_start")},
        trace_environment = {_KEPT.format("trace_environment")}
        RETURNING s.project_id, s.trace_start
    ),
    -- Read before `saved` runs: FOR UPDATE skips rows that the statement itself has changed.
    changed AS (SELECT * FROM renamed UNION ALL SELECT * FROM saved)
    {score_hours.MARK.format("changed")}
"""  # noqa: S608 - composed of constants; values are bound

_REMOVE_TRACES = """
    WITH k AS MATERIALIZED (SELECT * FROM unnest(%b::text[], %b::text[]) k (project_id, trace_id)),
    narrow AS (
        DELETE FROM traces t USING k
        WHERE t.project_id = k.project_id AND t.trace_id = k.trace_id
    )
    DELETE FROM trace_payloads p USING k
    WHERE p.project_id = k.project_id AND p.trace_id = k.trace_id
"""


def insert_traces(
    connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]
) -> list[TraceKey]:
    """Insert the traces that do not exist yet, and return their keys."""
    if not changes:
        return []
    rows = [_trace_row(key, change) for key, change in changes.items()]
    return connection.execute(_INSERT_TRACES, [_json(rows)]).fetchall()


def remove_traces(connection: psycopg.Connection[Any], keys: Iterable[TraceKey]) -> None:
    """Delete the rows of these traces in `traces` and `trace_payloads`, and no others."""
    connection.execute(_REMOVE_TRACES, columns_of(keys, 2))


def update_traces(connection: psycopg.Connection[Any], changes: dict[TraceKey, Change]) -> None:
    """Write the new state of traces whose rows this transaction has locked."""
    if changes:
        rows = [_trace_row(key, change) for key, change in changes.items()]
        connection.execute(_UPDATE_TRACES, [_json(rows)])


def _trace_row(key: TraceKey, change: Change) -> dict[str, Any]:
    columns = rollup.columns(change.trace)
    for name in PAYLOADS:
        columns[f"has_{name}"] = columns[name] is not UNLOADED
        if columns[name] is UNLOADED:
            columns[name] = None
    return {"project_id": key[0], "trace_id": key[1], **columns}


def save_spans(
    connection: psycopg.Connection[Any],
    changes: dict[TraceKey, Change],
    stored: Container[TraceKey],
    *,
    packing: bool,
) -> None:
    """Write the changed spans; stored ones are deleted and inserted again.

    ``stored``: the traces that existed before this transaction. ``packing``: whether short values
    are packed.
    """
    replaced = [
        (*key, span_id)
        for key, change in changes.items()
        for span_id in change.after
        if span_id in change.before
    ]
    if replaced:
        for table in (schema.spans.name, schema.span_payload_rows.name):
            connection.execute(_DELETE.format(table), columns_of(replaced, 3))
    with connection.cursor() as cursor:
        traces = (
            (key, change.after.values(), _to_pack(change) if packing else ())
            for key, change in changes.items()
        )
        copy_spans(cursor, traces, stored)


def _to_pack(change: Change) -> set[str]:
    """Return the spans that have ended just now: packs are not changed, so each is packed once."""
    before = change.before
    return {
        span_id
        for span_id, span in change.after.items()
        if span.record.end_time is not None
        and (span_id not in before or before[span_id].record.end_time is None)
    }


class _Sum(msgspec.Struct):
    """Differences to add to the sums of one session."""

    start: int = 1 << 62
    end: int = 0
    traces: int = 0
    errors: int = 0
    running: int = 0
    spans: int = 0
    tokens: Any = None
    cost: Any = None

    def add(self, contribution: SessionContribution, sign: int) -> None:
        self.start, self.end = min(self.start, contribution.start), max(self.end, contribution.end)
        self.traces += sign
        self.errors += sign * contribution.error
        self.running += sign * contribution.running
        self.spans += sign * contribution.spans
        if contribution.tokens is not None:
            self.tokens = (self.tokens or 0) + sign * contribution.tokens
        if contribution.cost is not None:
            self.cost = (self.cost or 0) + sign * contribution.cost


ContributionChange = tuple[str, SessionContribution | None, SessionContribution | None]
"""(project_id, contribution before, contribution after); None: no such trace then or now."""


def save_sessions(
    connection: psycopg.Connection[Any], contribution_changes: Iterable[ContributionChange]
) -> None:
    """Add the differences of the changed traces to the sums of their sessions."""
    sums: dict[SessionKey, _Sum] = defaultdict(_Sum)
    recomputed: set[SessionKey] = set()
    for project_id, old, new in contribution_changes:
        if old == new:
            continue
        if old is not None and old.session_id is not None:
            sums[project_id, old.session_id].add(old, -1)
            if new is None or _must_recompute(old, new):
                recomputed.add((project_id, old.session_id))
        if new is not None and new.session_id is not None:
            sums[project_id, new.session_id].add(new, 1)
    if sums:
        rows = [_session_row(key, session_sums) for key, session_sums in sums.items()]
        connection.execute(_ADD_TO_SESSIONS, [_json(rows)])
    if recomputed:
        keys = columns_of(sorted(recomputed), 2)
        connection.execute(_RECOMPUTE_SESSIONS, keys)
        connection.execute(_DROP_EMPTY_SESSIONS, keys)


def _must_recompute(old: SessionContribution, new: SessionContribution) -> bool:
    """Return whether the session must be recomputed: subtracting the contribution is not enough.

    That is so where its bounds may shrink, or where the only tokens or cost may be gone: the
    sum is then None and not 0.
    """
    bounds_shrink = new.start > old.start or new.end < old.end
    values_lost = (new.tokens is None) > (old.tokens is None) or (new.cost is None) > (
        old.cost is None
    )
    return old.session_id != new.session_id or bounds_shrink or values_lost


def _session_row(key: SessionKey, sums: _Sum) -> dict[str, Any]:
    return {
        "project_id": key[0],
        "session_id": key[1],
        "start_time": sql_time(sums.start),
        "end_time": sql_time(sums.end),
        "trace_count": sums.traces,
        "error_count": sums.errors,
        "running_count": sums.running,
        "span_count": sums.spans,
        "total_tokens": sums.tokens,
        "total_cost": sums.cost,
    }


def save_scores(
    connection: psycopg.Connection[Any], items: Iterable[tuple[str, ScoreRecord]]
) -> set[TraceKey]:
    """Write scores, replacing those with the same id; return the deleted ones of their traces.

    Scores of deleted traces are not written.
    """
    items = list(items)
    keys = {(project_id, score.trace_id) for project_id, score in items if score.trace_id}
    # A score may arrive before its trace, so there may be no row to lock.
    locks.lock_keys(connection, keys)
    deleted = tombstones.deleted_traces(connection, keys)
    rows = {
        (project_id, score.trace_id or "", score.score_id): {
            **msgspec.structs.asdict(score),
            "project_id": project_id,
            "trace_id": score.trace_id or "",
            "time": sql_time(score.time),
        }
        for project_id, score in items
        if (project_id, score.trace_id) not in deleted
    }
    if rows:
        connection.execute(_SAVE_SCORES, [_json(list(rows.values()))])
    return deleted


def _json(rows: list[dict[str, Any]]) -> str:
    return exact_json.encode(rows).decode()
