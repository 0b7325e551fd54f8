"""The SQLAlchemy session: transactions, statement timeouts, errors of an unreachable database."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from tracer.errors import Invalid, StoreUnavailable, TooSlow
from tracer.extensions import TRANSACTION, db
from tracer.store.database.outage import outage

UNREACHABLE: Final = (sa.exc.OperationalError, sa.exc.TimeoutError, psycopg.OperationalError)
"""Exceptions of the drivers where the database is unreachable or the pool is exhausted."""
OUT_OF_RANGE: Final = (sa.exc.DataError, psycopg.DataError)
"""Exceptions of the drivers where a value of a request is none that PostgreSQL has."""
SECONDS: Final = 30
"""Default statement timeout (seconds) of reads with conditions that no index may serve."""
CONNECT_SECONDS: Final = 5.0
"""How long a request waits for one of the connections that PostgreSQL allows."""
_FULL: Final = ("too many clients", "connection slots", "too many connections")
LOCK_SECONDS: Final = 5
"""How long a statement waits for a lock."""
_LOCKED: Final = "another transaction has locked what this request needs"
_CANCELED: Final = "57014"
_TIMEOUT: Final = "tracer.timeout"
"""Key in the session's info: seconds, and the transaction that they are set for."""


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
    session.info[TRANSACTION] = True
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(TRANSACTION)


def _check_none_open() -> None:
    if db.session().info.get(TRANSACTION):
        raise RuntimeError("a transaction is open already")


@contextmanager
def within(seconds: int = SECONDS) -> Iterator[None]:
    """Set the statement timeout (seconds) for the block's transaction; raises TooSlow."""
    _limit(seconds)
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


def _limit(seconds: int) -> None:
    session = db.session()
    # Most lists ask several questions in one transaction.
    if session.info.get(_TIMEOUT) != (seconds, session.get_transaction()):
        session.execute(sa.text(f"SET LOCAL statement_timeout = '{seconds}s'"))
        session.info[_TIMEOUT] = seconds, session.get_transaction()


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


def bound_waits(engine: sa.Engine) -> None:
    """Bound how long the engine waits for a lock, and for a connection where all are in use."""

    def connect(dialect: sa.Dialect, _record: object, args: Any, options: Any) -> Any:
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                return dialect.connect(*args, **options)
            except psycopg.OperationalError as error:
                full = any(text in str(error) for text in _FULL)
                if not full or time.monotonic() > deadline:
                    raise
            # Apart from one another, so that not all try again at once.
            time.sleep(random.uniform(0.05, 0.15))  # noqa: S311 - no secret

    def set_timeout(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'".encode())
        connection.commit()

    sa.event.listen(engine, "do_connect", connect)
    sa.event.listen(engine, "connect", set_timeout)


def unavailable(error: Exception) -> StoreUnavailable:
    """Return StoreUnavailable for one of UNREACHABLE, to be raised from that error."""
    cause = getattr(error, "orig", error)
    ours = StoreUnavailable(_reason(cause))
    ours.__cause__ = error
    return ours


def out_of_range(error: Exception) -> Invalid:
    """Roll back, and return Invalid for one of OUT_OF_RANGE, to be raised from that error."""
    db.session.rollback()
    refusal = Invalid("a number or a time in this request is out of range")
    refusal.__cause__ = error
    return refusal


def _reason(cause: object) -> str:
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return _LOCKED
    if isinstance(cause, psycopg.errors.DiskFull):
        return f"the disk of the database is full: {cause.diag.message_primary}"
    reason = outage()
    return (
        f"the database can't be reached ({reason})" if reason else "the database can't be reached"
    )
