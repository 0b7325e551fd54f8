"""Compares derived tables of a filled database with a recount of the rows that they sum."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from bench.many.block import END
from tracer.times import from_micros

_DAY: Final = from_micros(END - 5 * 86_400_000_000).isoformat()
_PAIRS: Final = {
    "rows": (
        "SELECT count(*), sum(span_count) FROM traces",
        "SELECT count(*), (SELECT count(*) FROM spans) FROM trace_payloads JOIN trace_words"
        " USING (project_id, trace_id)",
    ),
    "traces by day": (
        """SELECT name, environment, date_trunc('day', start_time), count(*),
            count(*) FILTER (WHERE status = 'error'), sum(total_tokens), sum(total_cost)
        FROM traces GROUP BY 1, 2, 3""",
        """SELECT name, environment, start, rows, errors, tokens, cost
        FROM rollups JOIN rollup_series USING (project_id, series)
        WHERE width = 'd' AND grain = 't' AND NOT whole""",
    ),
    "spans of a day by hour": (
        f"""SELECT s.kind, s.name, t.environment, s.model, date_trunc('hour', s.start_time),
            count(*), count(*) FILTER (WHERE s.level = 'error'), coalesce(sum(s.total_tokens), 0),
            coalesce(sum(s.total_cost), 0)
        FROM spans s JOIN traces t USING (project_id, trace_id)
        WHERE s.start_time >= '{_DAY}' AND s.start_time < timestamptz '{_DAY}' + interval '1 day'
        GROUP BY 1, 2, 3, 4, 5""",
        f"""SELECT kind, name, environment, model, start, rows, errors, tokens, cost
        FROM rollups JOIN rollup_series USING (project_id, series)
        WHERE width = 'h' AND grain = 's' AND NOT whole
            AND start >= '{_DAY}' AND start < timestamptz '{_DAY}' + interval '1 day'""",
    ),
    "users": (
        """SELECT user_id, count(*), count(*) FILTER (WHERE status = 'error'), sum(total_tokens),
            sum(total_cost), count(DISTINCT session_id), min(start_time), max(start_time)
        FROM traces WHERE user_id IS NOT NULL GROUP BY 1""",
        """SELECT user_id, trace_count, error_count, total_tokens, total_cost, session_count,
            start_time, end_time
        FROM users""",
    ),
    "traces of users": (
        """SELECT user_id, environment, count(*), sum(total_cost)
        FROM traces GROUP BY 1, 2""",
        """SELECT name, environment, sum(rows), sum(cost)
        FROM rollups JOIN rollup_series USING (project_id, series)
        WHERE width = 'd' AND grain = 'u' GROUP BY 1, 2""",
    ),
    "scores by hour": (
        """SELECT t.environment, s.name, date_trunc('hour', t.start_time), count(*), min(value)
        FROM scores s JOIN traces t USING (project_id, trace_id) GROUP BY 1, 2, 3""",
        "SELECT environment, name, start, rows, low FROM score_hours",
    ),
}  # fmt: skip
_DIFFERENT: Final = (
    "WITH a AS ({}), b AS ({})"
    " SELECT count(*) FROM ((TABLE a EXCEPT TABLE b) UNION ALL (TABLE b EXCEPT TABLE a)) d"
)


def differences(connection: psycopg.Connection[Any]) -> list[str]:
    """Return which derived rows differ from a recount, and how many of them."""
    wrong = []
    for what, pair in _PAIRS.items():
        row = connection.execute(_DIFFERENT.format(*pair).encode()).fetchone()
        assert row is not None
        if row[0]:
            wrong.append(f"{what}: {row[0]} rows differ")
    return wrong
