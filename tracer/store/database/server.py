"""The database as a whole: its address, whether it answers, its schema revision, its sizes.

Only psycopg is needed here, so that a start that has nothing to migrate stays quick.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from tracer.assets import asset_dir
from tracer.errors import ConfigError

OLDEST_SERVER: Final = 15
_SCHEMES: Final = re.compile(r"^postgres(ql)?(\+psycopg)?://")
_PASSWORD: Final = re.compile(r"(://[^/@]*?):[^@]*@|(?<=[?&]password=)[^&]*")
_CONNECT_SECONDS: Final = 5


class DatabaseError(ConfigError):
    """The database can't be used; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its indexes: bytes, and rows as PostgreSQL estimates them (None: not yet)."""

    name: str
    bytes: int
    rows: int | None


def libpq_url(url: str) -> str:
    """Return ``url`` as psycopg takes it. Raises DatabaseError when it is no PostgreSQL URL."""
    if not _SCHEMES.match(url):
        raise DatabaseError(
            f"DATABASE_URL {shown_url(url)!r}: expected postgresql://user:password@host:port/name"
        )
    return _SCHEMES.sub("postgresql://", url)


def sqlalchemy_url(url: str) -> str:
    """Return ``url`` as SQLAlchemy takes it, with psycopg 3 as the driver."""
    return libpq_url(url).replace("postgresql://", "postgresql+psycopg://", 1)


def shown_url(url: str) -> str:
    """Return ``url`` fit to be printed: the password is hidden."""
    return _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] else "***", url)


def connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection. Raises DatabaseError: unreachable, refused, or too old a server."""
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
    """Return the schema revision of the database, None: it is empty.

    Raises DatabaseError when a newer Tracer made it.
    """
    if not _one(connection, "SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if found is not None and found[0] not in (known := known_revisions()):
        raise DatabaseError(
            f"the database has schema revision {found[0]} of a newer Tracer, this one knows"
            f" {known[-1]}: install that version, or use another database"
        )
    return str(found[0]) if found else None


def server_version(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    """Return the server's version, as ``18.4``."""
    return str(_one(connection, "SHOW server_version")).partition(" ")[0]


def database_bytes(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Return the size of the database on disk."""
    return int(_one(connection, "SELECT pg_database_size(current_database())"))


def table_sizes(connection: psycopg.Connection[tuple[Any, ...]]) -> list[TableSize]:
    """Return the tables of the schema in use, largest first."""
    rows = connection.execute(
        """
        SELECT relname, pg_total_relation_size(oid), nullif(reltuples::bigint, -1)
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
        ORDER BY 2 DESC, 1
        """
    )
    return [TableSize(*row) for row in rows]


def _one(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _reason(error: psycopg.Error) -> str:
    """Say in our words what libpq says of a failed connection."""
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text:
        return "the database refuses the user or password: correct DATABASE_URL"
    if "does not exist" in text and "database" in text:
        return "the server has no such database: create it, or correct DATABASE_URL"
    if "Connection refused" in text or "timeout" in text or "could not translate" in text:
        return "the database is unreachable: start it, or correct DATABASE_URL"
    last = text.strip().splitlines()[-1].strip() if text.strip() else type(error).__name__
    return f"cannot connect to the database: {last}; check DATABASE_URL"
