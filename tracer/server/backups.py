"""Backups of a database in pg_dump's custom format, with PostgreSQL's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tracer.errors import ConfigError
from tracer.server.postgres import binaries
from tracer.store.database.server import connect, libpq_url, revision, shown_url


def dump(url: str, file: Path) -> int:
    """Write the database at `url` to a file; return its size in bytes. Raises ConfigError.

    The file appears under its name when it is complete.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        _run("pg_dump", url, "--format=custom", "--no-owner", f"--file={partial}")
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size


def restore(url: str, file: Path) -> None:
    """Fill the empty database at `url` from a file, all or nothing. Raises ConfigError."""
    with connect(url) as connection:
        if revision(connection) is not None:
            raise ConfigError(
                f"the database {shown_url(url)} has data already: restore into an empty one"
            )
    _run("pg_restore", url, "--no-owner", "--exit-on-error", "--single-transaction", str(file))


def _run(program: str, url: str, *args: str) -> None:
    """Run a program of PostgreSQL on a database; the embedded version, or else an installed one."""
    path = _program(program)
    # The URL may hold a password: other users can see arguments, but not the environment.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    name, options = _connection(url)
    done = subprocess.run(  # noqa: S603 - the arguments are our own
        [path, *args, *name],
        env=environ | options,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise ConfigError(f"{program} failed: {lines[0]}")


def _program(name: str) -> str:
    embedded = binaries() / name
    program = str(embedded) if embedded.exists() else shutil.which(name)
    if program is None:
        raise ConfigError(f"there is no {name} here: install PostgreSQL's client programs")
    return program


def _connection(url: str) -> tuple[list[str], dict[str, str]]:
    """Return arguments and environment variables of libpq for a URL."""
    import psycopg.conninfo

    values: dict[str, Any] = {**psycopg.conninfo.conninfo_to_dict(libpq_url(url))}
    password = str(values.pop("password", "") or "")
    conninfo = psycopg.conninfo.make_conninfo(**values)
    return [f"--dbname={conninfo}"], {"PGPASSWORD": password} if password else {}
