"""The database server: its URL, connection, schema revision, version and table sizes.

This module imports psycopg alone, so that a start without a pending migration stays quick.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import psycopg.sql

from tracer.assets import asset_dir
from tracer.errors import ConfigError

OLDEST_SERVER: Final = 15
_SCHEMES: Final = re.compile(r"^postgres(ql)?(\+psycopg)?://")
_PASSWORD: Final = re.compile(r"(://[^/@]*?):[^@]*@|(?<=[?&]password=)[^&]*")
_CONNECT_SECONDS: Final = 5


class DatabaseError(ConfigError):
    """The database can't be used; the message is one line with the cause and the remedy."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its indexes: bytes and rows; if not ``counted``, rows are an estimate."""

    name: str
    bytes: int
    rows: int
    counted: bool


def libpq_url(url: str) -> str:
    """Return ``url`` as psycopg accepts it. Raises DatabaseError: it is no PostgreSQL URL."""
    if not _SCHEMES.match(url):
        raise DatabaseError(
            f"DATABASE_URL {shown_url(url)!r}: expected postgresql://user:password@host:port/name"
        )
    return _SCHEMES.sub("postgresql://", url)


def sqlalchemy_url(url: str) -> str:
    """Return ``url`` as SQLAlchemy accepts it, with psycopg 3 as the driver."""
    return libpq_url(url).replace("postgresql://", "postgresql+psycopg://", 1)


def shown_url(url: str) -> str:
    """Return ``url`` with its password replaced by ``***``, for messages and logs."""
    return _PASSWORD.sub(lambda match: f"{match[1]}:***@" if match[1] else "***", url)


def connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection. Raises DatabaseError: unreachable, refused, or an unsupported version."""
    try:
        connection = psycopg.connect(libpq_url(url), connect_timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        raise DatabaseError(f"{_reason(error)} ({shown_url(url)})") from error
    version = connection.info.server_version // 10_000
    if version < OLDEST_SERVER:
        connection.close()
        raise DatabaseError(
            f"the database is PostgreSQL {version}; Tracer needs {OLDEST_SERVER} or newer"
        )
    return connection


def known_revisions() -> list[str]:
    """Return the schema revisions of this code, oldest first; files are named ``<revision>_*``."""
    files = (asset_dir("migrations") / "versions").glob("[0-9]*_*.py")
    return sorted(path.name.partition("_")[0] for path in files)


def revision(connection: psycopg.Connection[tuple[Any, ...]]) -> str | None:
    """Return the schema revision of the database; None: the database is empty.

    Raises DatabaseError where a newer version of Tracer created the schema.
    """
    if not _only_value(connection, "SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is not None and row[0] not in (known := known_revisions()):
        raise DatabaseError(
            f"the database has schema revision {row[0]} of a newer Tracer; this one supports up"
            f" to {known[-1]}: install that version, or use another database"
        )
    return str(row[0]) if row else None


def server_version(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    """Return the server's version, as ``18.4``."""
    return str(_only_value(connection, "SHOW server_version")).partition(" ")[0]


def database_bytes(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Return the size of the database on disk."""
    return int(_only_value(connection, "SELECT pg_database_size(current_database())"))


def table_sizes(connection: psycopg.Connection[tuple[Any, ...]], seconds: float) -> list[TableSize]:
    """Return the tables of the schema in use, largest first.

    A table whose rows can't be counted within ``seconds`` gets PostgreSQL's estimate.
    """
    rows = connection.execute(
        """
        SELECT relname, pg_total_relation_size(oid), greatest(reltuples::bigint, 0)
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
        ORDER BY 2 DESC, 1
        """
    )
    sizes = []
    for name, size, estimate in rows.fetchall():
        count = _count(connection, name, seconds)
        sizes.append(TableSize(name, size, estimate if count is None else count, count is not None))
    return sizes


def _count(
    connection: psycopg.Connection[tuple[Any, ...]], table: str, seconds: float
) -> int | None:
    """Return the number of rows of ``table``; None: counting takes longer than ``seconds``."""
    query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table))
    limit = psycopg.sql.SQL("SET LOCAL statement_timeout = {}").format(round(seconds * 1000))
    try:
        with connection.transaction():
            connection.execute(limit)
            row = connection.execute(query).fetchone()
    except psycopg.errors.QueryCanceled:
        return None
    return int(row[0]) if row else None


def _only_value(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _reason(error: psycopg.Error) -> str:
    """Return one line for a failed connection, in place of libpq's several."""
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text:
        return "the database refuses the user or password: correct DATABASE_URL"
    if "does not exist" in text and "database" in text:
        return "the server has no such database: create it, or correct DATABASE_URL"
    if "Connection refused" in text or "timeout" in text or "could not translate" in text:
        return "the database is unreachable: start it, or correct DATABASE_URL"
    last = text.strip().splitlines()[-1].strip() if text.strip() else type(error).__name__
    return f"cannot connect to the database: {last}; check DATABASE_URL"
