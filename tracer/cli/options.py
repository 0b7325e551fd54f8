"""Options shared by subcommands: settings from flags and environment, and the database."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tracer.config import Config
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
        type=click.Path(path_type=Path),
        help="Data directory of the embedded PostgreSQL [TRACER_DATA_DIR; ~/.tracer].",
    )(command)


def with_config(command: Command) -> Command:
    """Call ``command(config, …)``; a flag named like a setting overrides the environment."""

    @functools.wraps(command)
    def wrapped(*args: Any, **flags: Any) -> None:
        names = Config.__dataclass_fields__.keys() & flags.keys()
        overrides = {name: value for name in names if (value := flags.pop(name)) is not None}
        config = replace(Config.from_env(), **overrides)
        # Absolute, because PostgreSQL and the workers have another current directory.
        config = replace(config, data_dir=config.data_dir.expanduser().absolute())
        command(config, *args, **flags)

    return wrapped


@contextmanager
def reachable(config: Config, purpose: str) -> Iterator[Config]:
    """Give ``config`` with the URL of a running database.

    An embedded PostgreSQL that was not running is stopped after the block. Raises ConfigError.
    """
    if config.database_url:
        yield config
        return
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
