"""The SQLAlchemy session: transactions, statement timeouts, errors of an unreachable database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from tracer.errors import StoreUnavailable, TooSlow
from tracer.extensions import db

UNREACHABLE: Final = (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError)
"""Exceptions of the drivers where the database is unreachable or the pool is exhausted."""
SECONDS: Final = 30
"""Default statement timeout (seconds) of reads with conditions that no index may serve."""
_CANCELED: Final = "57014"
_OPEN: Final = "tracer.transaction"


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what the block did; where the block raises, roll all of it back.

    Store functions never commit: the view, command or job that calls them opens the transaction.
    Rows that were read before the block belong to the same transaction; at its end the connection
    returns to the pool. Raises RuntimeError within another `transaction()`: committing the inner
    one would commit half of the outer one.
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
    """Set the statement timeout (seconds) for the block's transaction; raises TooSlow."""
    db.session.execute(sa.text(f"SET LOCAL statement_timeout = '{seconds}s'"))
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        db.session.rollback()
        raise TooSlow(
            f"this takes longer than {seconds} s: choose a shorter time range (start:>-24h), or a"
            " name, user or session without *"
        ) from None


def release() -> None:
    """Return the session's connection to the pool, so that other threads can use it meanwhile.

    Raises RuntimeError within a transaction, which the release would roll back.
    """
    _check_none_open()
    db.session.remove()


def driver() -> psycopg.Connection[Any]:
    """Return the psycopg connection of the session's transaction, for COPY and server cursors."""
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


def schema_revision() -> str:
    """Return the schema's revision, "" without one. Raises StoreUnavailable."""
    try:
        return str(db.session.scalar(sa.text("SELECT version_num FROM alembic_version")) or "")
    except UNREACHABLE as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailable:
    """Return StoreUnavailable for one of UNREACHABLE, to be raised from that error."""
    ours = StoreUnavailable("the database can't be reached")
    ours.__cause__ = error
    return ours
