"""Advisory locks on traces and sessions: shared by writers, exclusive for a delete.

Row locks are not enough here: a score can arrive before its trace exists, and a session before
its row. A comment, for example, also must not wait for a writer that has locked the trace's row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

_LOCK = """
    SELECT pg_advisory_xact_lock{}(lock_id) FROM (
        SELECT DISTINCT hashtextextended(name, 0) AS lock_id FROM unnest(%b::text[]) name
        ORDER BY lock_id
    ) lock_ids
"""
_SHARED, _EXCLUSIVE = _LOCK.format("_shared"), _LOCK.format("")


def lock_keys(
    connection: psycopg.Connection[Any],
    keys: Iterable[tuple[str, str | None]],
    *,
    exclusive: bool = False,
) -> None:
    """Take advisory locks on these (project_id, trace_id or session_id) until the transaction ends.

    Shared locks keep the traces and sessions from being deleted; with `exclusive`, this is the only
    transaction that has them. A caller that also locks rows must lock the rows first.
    """
    names = ["\x1f".join(filter(None, key)) for key in keys]
    if names:
        connection.execute(_EXCLUSIVE if exclusive else _SHARED, [names])
