"""Tombstones: which traces were deleted within the last day."""

from __future__ import annotations

from typing import Any

import psycopg

from tracer.store.deletion.tombstones import add_tombstones, deleted_traces, digest


def test_only_deleted_traces_of_the_same_project_are_returned(
    connection: psycopg.Connection[Any],
) -> None:
    add_tombstones(connection, [("default", "a"), ("default", "b"), ("other", "c")])
    keys = [("default", "a"), ("default", "c"), ("other", "c"), ("default", None)]
    assert deleted_traces(connection, keys) == {("default", "a"), ("other", "c")}
    assert deleted_traces(connection, []) == set()


def test_a_second_delete_renews_the_tombstone(connection: psycopg.Connection[Any]) -> None:
    add_tombstones(connection, [("default", "a")])
    connection.commit()
    connection.execute(
        "UPDATE tombstones SET trace_id = NULL, deleted_at = deleted_at - interval '9 hours'"
    )
    add_tombstones(connection, [("default", "a")])
    row = connection.execute(
        "SELECT trace_id, trace_hash, deleted_at > now() - interval '1 hour' FROM tombstones"
    ).fetchall()
    assert row == [("a", digest("a"), True)]
