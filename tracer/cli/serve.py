"""``tracer serve`` starts everything in order; ``tracer worker`` the background worker alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType

import click

from tracer import __version__
from tracer.cli.listening import listen, reserve
from tracer.cli.options import database_options, with_config
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.server.account import require_account
from tracer.server.lock import Owned, owned
from tracer.server.postgres import VERSION, Embedded, unusable
from tracer.server.restarts import Restarts


@click.command()
@click.option(
    "--host",
    help="Address; any but loopback asks for logins. Or unix:/path?mode=660"
    " [TRACER_HOST; 127.0.0.1].",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port [TRACER_PORT; 4318].")
@click.option(
    "--workers", type=click.IntRange(1), help="Number of web worker processes [TRACER_WORKERS; 2]."
)
@database_options
@with_config
def serve(config: Config) -> None:
    """Serve the pages, the API and the OTLP endpoint until Ctrl-C."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _exit)
    click.echo(f"Tracer {__version__}")
    with ExitStack() as stack:
        if not config.database_url:
            require_account()
            _lock_data_dir(config, stack)
        listener = stack.enter_context(reserve(config))
        config, check_database = stack.enter_context(_database(config))
        _migrate(config)
        link = _first_owner_link(config)
        listen(config, listener)
        _serve(config, listener, check_database, link)


def _serve(
    config: Config, listener: socket.socket, check_database: Callable[[], None], owner_link: str
) -> None:
    from tracer.server.family import Family

    def ready() -> None:
        if config.socket_file:
            _print_row("socket", f"{config.socket_file.path}, mode {config.socket_file.mode:o}")
        else:
            _print_row("pages", f"{config.url}/")
            _print_row("OTLP", f"{config.url}/v1/traces")
        if owner_link:
            _print_row("first owner", f"{owner_link} (works once, for a day)")
        click.echo("Ready; Ctrl-C stops.")

    Family(config, listener, on_ready=ready, check_database=check_database).run()


def _exit(signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signal_number)


def _first_owner_link(config: Config) -> str:
    """Return the link that creates the first owner, "" where no login is needed or possible yet."""
    if not config.needs_login:
        return ""
    from tracer.store.database.server import connect
    from tracer.store.members.links import first_owner_code

    with connect(config.database_url) as connection:
        code = first_owner_code(connection)
    return f"{_public_url(config)}/first-owner?code={code}" if code else ""


def _public_url(config: Config) -> str:
    """Return the URL that visitors open: behind a proxy, with the first allowed name."""
    if not config.allowed_names or not config.trusted_proxies:
        return config.url
    return f"https://{config.allowed_names[0]}{config.url_prefix.rstrip('/')}"


def _lock_data_dir(config: Config, stack: ExitStack) -> None:
    try:
        stack.enter_context(owned(config.data_dir, config.address))
    except Owned as other:
        raise ConfigError(
            f"Tracer runs already on {config.data_dir}: process {other.pid}, {other.label};"
            " stop it, or choose another --data-dir and --port"
        ) from None
    except OSError as error:
        raise unusable(config.data_dir, error) from error


@contextmanager
def _database(config: Config) -> Iterator[tuple[Config, Callable[[], None]]]:
    """Give the config with a database URL, and a function that restarts a stopped database."""
    if config.database_url:
        yield config, lambda: None
        return
    _print_row("data", str(config.data_dir))
    embedded = Embedded(config.data_dir)
    started_at = time.perf_counter()
    try:
        started = embedded.start()
        duration = f"{(time.perf_counter() - started_at) * 1000:.0f} ms"
        how = (
            f"started in {duration}"
            if started
            else f"was running already, taken over in {duration}"
        )
        _print_row("PostgreSQL", f"{VERSION}, {how}")

        yield replace(config, database_url=embedded.url), Restarts(embedded).ensure_running
    finally:
        embedded.stop()


def _migrate(config: Config) -> None:
    """Migrate in a separate process, which frees the memory of the imports when it ends."""
    from tracer.server.family import child_environ

    command = [sys.executable, "-P", "-m", "tracer", "db", "upgrade"]
    completed = subprocess.run(command, env=child_environ(config), check=False)  # noqa: S603 - the arguments are our own
    if completed.returncode:
        sys.exit(completed.returncode)


def _print_row(title: str, text: str) -> None:
    click.echo(f"  {title:<11} {text}")


@click.command()
@database_options
@with_config
def worker(config: Config) -> None:
    """Run the background tasks on DATABASE_URL until Ctrl-C; `tracer serve` does so by itself."""
    if not config.database_url:
        raise ConfigError(
            "DATABASE_URL is not set: with the embedded PostgreSQL, `tracer serve` runs the tasks"
        )
    from tracer.server.family import child_environ
    from tracer.worker.__main__ import main

    os.environ.update(child_environ(config))
    sys.exit(main())
