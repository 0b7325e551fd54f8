"""Advisory locks: writers share them, a delete has them alone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tracer.store.database.locks import lock_keys

TRACE = ("default", "t")


@pytest.mark.parametrize("keys", [[TRACE], [("default", "t2"), ("other", "t")], []])
def test_shared_locks_never_wait(
    connection: psycopg.Connection[Any], database_url: str, keys: list[tuple[str, str]]
) -> None:
    lock_keys(connection, [TRACE])
    assert not waits(database_url, keys, exclusive=False)


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_an_exclusive_lock_waits_for_every_other_one_of_its_key(
    connection: psycopg.Connection[Any], database_url: str, first: bool, second: bool
) -> None:
    lock_keys(connection, [("default", "a"), TRACE], exclusive=first)
    assert waits(database_url, [TRACE], exclusive=second)
    assert not waits(database_url, [("default", "b"), ("other", "t")], exclusive=second)
    connection.rollback()
    assert not waits(database_url, [TRACE], exclusive=second)


def waits(database_url: str, keys: list[tuple[str, str]], *, exclusive: bool) -> bool:
    """Return whether another transaction has to wait for these locks."""
    with psycopg.connect(database_url) as other:
        other.execute("SET lock_timeout = '50ms'")
        try:
            lock_keys(other, keys, exclusive=exclusive)
        except psycopg.errors.LockNotAvailable:
            return True
        return False
