"""Options shared by subcommands: settings from flags and environment, and the database."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tracer.config import Config
from tracer.errors import ConfigError
from tracer.server.account import require_account
from tracer.server.lock import Owned, owned
from tracer.server.postgres import Embedded, unusable

Command = Callable[..., None]


def database_options(command: Command) -> Command:
    """Add the flags that select the database to ``command``."""
    command = click.option(
        "--database-url",
        metavar="URL",
        help="PostgreSQL to use instead of the embedded PostgreSQL [DATABASE_URL].",
    )(command)
    return click.option(
        "--data-dir",
        callback=_data_dir,
        help="Data directory of the embedded PostgreSQL [TRACER_DATA_DIR; ~/.tracer].",
    )(command)


def _data_dir(_context: click.Context, _option: click.Parameter, text: str | None) -> Path | None:
    if text is not None and not text.strip():
        # As a path it would be the current directory.
        raise click.BadParameter("expected a directory, got nothing")
    return None if text is None else Path(text)


def with_config(command: Command) -> Command:
    """Call ``command(config, …)``; a flag named like a setting overrides the environment."""

    @functools.wraps(command)
    def wrapped(*args: Any, **flags: Any) -> None:
        names = Config.__dataclass_fields__.keys() & flags.keys()
        overrides = {name: value for name in names if (value := flags.pop(name)) is not None}
        config = replace(Config.from_env(), **overrides)
        # Absolute, because PostgreSQL and the workers have another current directory.
        config = replace(config, data_dir=_absolute(config.data_dir))
        command(config, *args, **flags)

    return wrapped


def server_options(command: Command) -> Command:
    """Add the flags that select a running server; call ``command(…, url, key)``.

    Without flags it is the server of TRACER_ENDPOINT and TRACER_KEY, as for the SDK, else the one
    that `tracer serve` starts with the same settings.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, url: str | None, port: int | None, **flags: Any) -> None:
        command(*args, url=_server_url(url, port), **flags)

    for option in (
        click.option(
            "--key",
            default="",
            envvar="TRACER_KEY",
            metavar="SECRET",
            help="Secret of an API key, if required [TRACER_KEY].",
        ),
        click.option(
            "--port",
            type=click.IntRange(1, 65535),
            help="Port of a server on this machine [TRACER_PORT; 4318].",
        ),
        click.option("--url", help="The server [TRACER_ENDPOINT; http://127.0.0.1:4318]."),
    ):
        wrapped = option(wrapped)
    return wrapped


def _server_url(url: str | None, port: int | None) -> str:
    config = Config.from_env()
    if port is not None:
        if url:
            raise ConfigError("--url and --port: expected one of them")
        return replace(config, port=port).url
    chosen = url or os.environ.get("TRACER_ENDPOINT")
    if not chosen and config.socket_file:
        raise ConfigError(
            f"the server listens on {config.socket_file.path}: forward a port to it, and name that"
            " with --url"
        )
    chosen = chosen or config.url
    # As in the SDK, the endpoint may be given with the path of OTLP.
    return chosen.removesuffix("/").removesuffix("/v1/traces")


def _absolute(data_dir: Path) -> Path:
    try:
        return data_dir.expanduser().absolute()
    except RuntimeError as error:
        raise ConfigError(
            f"there is no home directory for {data_dir}: set HOME, or choose a directory with"
            " --data-dir"
        ) from error


@contextmanager
def reachable(config: Config, purpose: str) -> Iterator[Config]:
    """Give ``config`` with the URL of a running database.

    An embedded PostgreSQL that was not running is stopped after the block. Raises ConfigError.
    """
    if config.database_url:
        yield config
        return
    require_account()
    embedded = Embedded(config.data_dir)
    with ExitStack() as stack:
        try:
            stack.enter_context(owned(config.data_dir, purpose))
        except Owned:
            pass  # another process owns the directory and keeps PostgreSQL running
        except OSError as error:
            raise unusable(config.data_dir, error) from error
        else:
            stack.callback(embedded.stop)
            embedded.start()
        yield replace(config, database_url=embedded.url)


@contextmanager
def application(config: Config, purpose: str) -> Iterator[None]:
    """Run the block in an application context, on a database with the newest schema revision."""
    from tracer.app import create_app
    from tracer.server.migrations import upgrade

    with reachable(config, purpose) as config:
        upgrade(config.database_url)
        with create_app(config).app_context():
            yield
