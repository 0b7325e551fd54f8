"""The correct sums of traces and sessions, computed from the spans by plain SQL."""

from __future__ import annotations

from typing import Any

import psycopg

# Independent of the code under test: one statement over all stored rows.
_TRACES = """
    WITH real AS (
        SELECT s.*, p.usage, p.cost FROM spans s
        LEFT JOIN span_payloads p USING (project_id, trace_id, span_id) WHERE NOT s.placeholder
    ), buckets AS (
        SELECT project_id, trace_id, jsonb_object_agg(key, n) FILTER (WHERE n <> 0) AS usage FROM (
            SELECT project_id, trace_id, key, sum(value::bigint) AS n
            FROM real, json_each_text(usage) WHERE NOT covered GROUP BY 1, 2, 3
        ) b GROUP BY 1, 2
    ), kinds AS (
        SELECT project_id, trace_id, jsonb_object_agg(kind, n) AS kinds FROM (
            SELECT project_id, trace_id, kind, count(*) AS n FROM real GROUP BY 1, 2, 3
        ) k GROUP BY 1, 2
    ), sums AS (
        SELECT project_id, trace_id, count(*) AS span_count,
            count(*) FILTER (WHERE end_time IS NULL) AS running_count,
            count(*) FILTER (WHERE level = 'error') AS error_count,
            count(*) FILTER (WHERE level = 'warning') AS warning_count,
            count(*) FILTER (WHERE level = 'error' AND parent_span_id IS NULL) AS root_error_count,
            count(*) FILTER (WHERE flags IS NOT NULL) AS flagged_count,
            sum(total_tokens) FILTER (WHERE NOT covered)::bigint AS total_tokens,
            sum(total_cost) FILTER (WHERE NOT covered) AS total_cost,
            min(start_time) AS start_time,
            max(greatest(start_time, coalesce(end_time, start_time))) AS end_time
        FROM real GROUP BY 1, 2
    )
    SELECT t.project_id, t.trace_id,
        t.span_count = s.span_count AND t.running_count = s.running_count
        AND t.error_count = s.error_count AND t.warning_count = s.warning_count
        AND w.root_error_count = s.root_error_count AND t.flagged_count = s.flagged_count
        AND t.total_tokens IS NOT DISTINCT FROM s.total_tokens
        AND t.total_cost IS NOT DISTINCT FROM s.total_cost
        AND w.usage = coalesce(b.usage, '{}') AND w.kinds = k.kinds
        AND (w.claims ? 'times' OR (t.start_time = s.start_time AND t.end_time = s.end_time))
        AS agrees, to_jsonb(t) || to_jsonb(w) AS stored, to_jsonb(s) AS counted
    FROM traces t JOIN sums s USING (project_id, trace_id)
    JOIN trace_payloads w USING (project_id, trace_id)
    LEFT JOIN buckets b USING (project_id, trace_id) JOIN kinds k USING (project_id, trace_id)
"""

_SESSIONS = """
    WITH sums AS (
        SELECT project_id, session_id, count(*) AS trace_count,
            count(*) FILTER (WHERE status = 'error') AS error_count,
            count(*) FILTER (WHERE status = 'running') AS running_count,
            sum(span_count) AS span_count, sum(total_tokens) AS total_tokens,
            sum(total_cost) AS total_cost, min(start_time) AS start_time, max(end_time) AS end_time
        FROM traces WHERE session_id IS NOT NULL GROUP BY 1, 2
    )
    SELECT x.trace_count IS NOT DISTINCT FROM s.trace_count
        AND x.error_count = s.error_count AND x.running_count = s.running_count
        AND x.span_count = s.span_count
        AND coalesce(x.total_tokens, 0) = coalesce(s.total_tokens, 0)
        AND coalesce(x.total_cost, 0) = coalesce(s.total_cost, 0)
        AND x.start_time = s.start_time AND x.end_time = s.end_time AS agrees,
        to_jsonb(x) AS stored, to_jsonb(s) AS counted
    FROM sessions x FULL JOIN sums s USING (project_id, session_id)
"""


def disagreements(connection: psycopg.Connection[Any]) -> list[tuple[Any, Any]]:
    """Return (stored, counted) of every trace and session whose sums are not those of its rows."""
    traces = connection.execute(_TRACES).fetchall()
    sessions = connection.execute(_SESSIONS).fetchall()
    connection.rollback()
    wrong = [(row[3], row[4]) for row in traces if not row[2]]
    return wrong + [(row[1], row[2]) for row in sessions if not row[0]]
