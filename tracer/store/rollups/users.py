"""Sums of users' traces by day and in total, recomputed whenever traces have changed.

Uses no SQLAlchemy, so that the background worker stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from tracer.store.database.background_upgrade import BackgroundUpgrade, run_steps
from tracer.store.rollups.changes import MAX_PENDING, changed_traces
from tracer.times import from_micros

UPGRADE: Final = BackgroundUpgrade("users", since="0033")
DAY: Final = 86_400_000_000
"""In µs."""
_USERS: Final = 200
"""Users whose traces are counted in one transaction of the upgrade."""
_PAUSE: Final = 0.02
"""Seconds between two of these transactions."""

UserDay = tuple[str, int]
"""(user, days since the epoch)"""

# Taken by all transactions that fold or recompute: another one could take changes from the queue
# between this one's count and its commit.
LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('fold rollups', 5))"
_SUMS: Final = "start_time, end_time, trace_count, error_count, total_tokens, total_cost"
_UPDATED: Final = ", ".join(f"{name} = excluded.{name}" for name in _SUMS.split(", "))
_COUNT_DAYS: Final = f"""
    WITH k AS (SELECT * FROM unnest(%(users)s::text[], %(days)s::timestamptz[]) k (user_id, day)),
    sums AS (
        SELECT k.user_id, k.day, min(start_time) AS start_time, max(start_time) AS end_time,
            count(*) AS trace_count, count(*) FILTER (WHERE status = 'error') AS error_count,
            sum(total_tokens)::bigint AS total_tokens, sum(total_cost) AS total_cost,
            coalesce(array_agg(DISTINCT hashtextextended(session_id, 0))
                FILTER (WHERE session_id IS NOT NULL), '{{}}') AS sessions
        FROM k JOIN traces t ON t.project_id = %(project)s AND t.user_id = k.user_id
            AND t.start_time >= k.day AND t.start_time < k.day + interval '24 hours'
        GROUP BY k.user_id, k.day
    ),
    gone AS (
        DELETE FROM user_days d USING k WHERE d.project_id = %(project)s
            AND d.user_id = k.user_id AND d.day = k.day
            AND NOT EXISTS (SELECT FROM sums s WHERE s.user_id = k.user_id AND s.day = k.day)
    )
    INSERT INTO user_days (project_id, user_id, day, {_SUMS}, sessions)
    SELECT %(project)s, user_id, day, {_SUMS}, sessions FROM sums
    ON CONFLICT (project_id, user_id, day) DO UPDATE SET {_UPDATED}, sessions = excluded.sessions
"""  # noqa: S608 - composed of constants; values are bound
_COUNT_USERS: Final = f"""
    WITH k AS (SELECT DISTINCT unnest(%(users)s::text[]) AS user_id),
    days AS (SELECT d.* FROM k JOIN user_days d USING (user_id) WHERE project_id = %(project)s),
    sums AS (
        SELECT user_id, min(start_time) AS start_time, max(end_time) AS end_time,
            sum(trace_count)::bigint AS trace_count, sum(error_count)::bigint AS error_count,
            sum(total_tokens)::bigint AS total_tokens, sum(total_cost) AS total_cost
        FROM days GROUP BY user_id
    ),
    own AS (
        SELECT user_id, count(DISTINCT session) AS session_count
        FROM days, unnest(sessions) session GROUP BY user_id
    ),
    gone AS (
        DELETE FROM users u USING k WHERE u.project_id = %(project)s AND u.user_id = k.user_id
            AND NOT EXISTS (SELECT FROM days d WHERE d.user_id = k.user_id)
    )
    INSERT INTO users (project_id, user_id, {_SUMS}, session_count)
    SELECT %(project)s, user_id, {_SUMS}, coalesce(session_count, 0)
    FROM sums LEFT JOIN own USING (user_id)
    ON CONFLICT (project_id, user_id) DO UPDATE SET {_UPDATED},
        session_count = excluded.session_count
"""  # noqa: S608 - composed of constants; values are bound
_NEXT_USERS: Final = f"""
    WITH RECURSIVE next AS (
        (SELECT project_id, user_id, 1 AS number FROM traces
            WHERE (project_id, user_id) > (%s, %s) AND user_id IS NOT NULL
            ORDER BY project_id, user_id LIMIT 1)
        UNION ALL
        (SELECT t.* FROM next n CROSS JOIN LATERAL (
            SELECT project_id, user_id, n.number + 1 FROM traces t
            WHERE (t.project_id, t.user_id) > (n.project_id, n.user_id) AND user_id IS NOT NULL
            ORDER BY project_id, user_id LIMIT 1
        ) t WHERE n.number < {_USERS})
    )
    SELECT project_id, user_id FROM next ORDER BY number
"""  # noqa: S608 - composed of constants; values are bound
_DAYS_OF: Final = """
    SELECT DISTINCT floor(extract(epoch FROM start_time) / 86400)::bigint FROM traces
    WHERE project_id = %s AND user_id = %s
"""
# Traces that are not counted in the rollups yet change without an entry in `rollup_changes`.
_ROLLUPS_WAIT: Final = """
    SELECT FROM background_upgrades WHERE name = 'rollups' AND finished_at IS NULL
"""


@lru_cache(MAX_PENDING)
def changed_user_days(_change: int, records: bytes) -> frozenset[UserDay]:
    """Return the (user, day) whose sums a transaction changed, from the bytes that it appended."""
    return frozenset(
        (figures.user_id, figures.start // DAY)
        for figures in changed_traces(records)
        if figures.user_id is not None
    )


def recount_users(
    connection: psycopg.Connection[Any], project_id: str, keys: Iterable[UserDay]
) -> None:
    """Recompute the sums of these users on these days, and their totals, from the stored traces.

    The caller holds `LOCK` until its transaction ends.
    """
    listed = sorted(keys)
    if not listed:
        return
    values = {
        "project": project_id,
        "users": [user_id for user_id, _ in listed],
        "days": [from_micros(day * DAY) for _, day in listed],
    }
    connection.execute(_COUNT_DAYS.encode(), values)
    connection.execute(_COUNT_USERS.encode(), values)


def count_all(url: str, wait: Callable[[float], bool]) -> None:
    """Count the users of older traces until all are counted or ``wait(seconds)`` returns True."""
    run_steps(url, count_some, _PAUSE, wait)


def count_some(connection: psycopg.Connection[Any]) -> bool:
    """Count the next users, and commit; False: all are counted, or rollups come first."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        position = UPGRADE.lock_position(cursor)
        if position is None or cursor.execute(_ROLLUPS_WAIT).fetchone() is not None:
            return False
        if cursor.execute(LOCK).fetchone() != (True,):
            return True
        users = cursor.execute(_NEXT_USERS.encode(), position).fetchall()
        if not users:
            UPGRADE.finish(cursor)
            return False
        for project_id, user_id in users:
            days = cursor.execute(_DAYS_OF, (project_id, user_id)).fetchall()
            recount_users(connection, project_id, [(user_id, day) for (day,) in days])
        UPGRADE.advance(cursor, users[-1], len(users))
    return True
