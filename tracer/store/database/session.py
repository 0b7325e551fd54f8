"""The session of a request or command: transactions, time limits, a database that is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from tracer.errors import StoreUnavailable, TooSlow
from tracer.extensions import db

UNREACHABLE: Final = (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError)
"""What the libraries below raise where the database is away, or every connection is in use."""
SECONDS: Final = 30
"""How long one statement of a question that any condition may be part of can take."""
_CANCELED: Final = "57014"
_OPEN: Final = "tracer.transaction"


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what the block did, or undo all of it where the block raises.

    Every write of the store is done in one, which the view or command opens that asks for the
    write. What was read before belongs to it; at its end the connection goes back to the pool.
    Raises RuntimeError within another one: the inner one would commit half of the outer.
    """
    _check_none_open()
    session = db.session()
    session.info[_OPEN] = True
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_OPEN)


def _check_none_open() -> None:
    if db.session().info.get(_OPEN):
        raise RuntimeError("a transaction is open already")


@contextmanager
def within(seconds: int = SECONDS) -> Iterator[None]:
    """Give each statement of the block, and of its transaction, so long; raises TooSlow."""
    db.session.execute(sa.text(f"SET LOCAL statement_timeout = '{seconds}s'"))
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        db.session.rollback()
        raise TooSlow(f"this takes longer than {seconds} s: ask for a shorter time") from None


def release() -> None:
    """Give the session's connection back to the pool, for who waits or takes another.

    Raises RuntimeError within a transaction, which would be lost.
    """
    _check_none_open()
    db.session.remove()


def driver() -> psycopg.Connection[Any]:
    """Return the connection of the session's transaction, for what SQLAlchemy can't do."""
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


@contextmanager
def own_connection() -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection of the pool in place of the session's, for a job of many transactions."""
    release()
    pooled = db.engine.raw_connection()
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        yield connection
    finally:
        pooled.close()


def ping() -> None:
    """Return once the database has answered. Raises StoreUnavailable."""
    try:
        db.session.execute(sa.select(1))
    except UNREACHABLE as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailable:
    """Return one of UNREACHABLE as an error of ours, with itself as the cause."""
    ours = StoreUnavailable("the database can't be reached")
    ours.__cause__ = error
    return ours
