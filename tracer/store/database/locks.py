"""Locks on traces and sessions by name, between those who add to one and who deletes it.

A row can't be locked that is not there: a score may come before its trace, and a session has no
row before its first. Nor should a comment wait for a writer that holds the row of the trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

_HOLD = """
    SELECT pg_advisory_xact_lock{}(place) FROM (
        SELECT DISTINCT hashtextextended(name, 0) AS place FROM unnest(%s::text[]) name
        ORDER BY place
    ) places
"""
_SHARED, _ALONE = _HOLD.format("_shared"), _HOLD.format("")


def hold(
    connection: psycopg.Connection[Any],
    keys: Iterable[tuple[str, str | None]],
    *,
    alone: bool = False,
) -> None:
    """Keep these (project_id, trace_id or session_id) from being deleted during this transaction.

    With `alone`, keep everybody else away from them. Who locks rows as well locks those first.
    """
    names = ["\x1f".join(filter(None, key)) for key in keys]
    if names:
        connection.execute(_ALONE if alone else _SHARED, [names])
