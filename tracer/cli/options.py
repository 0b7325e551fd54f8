"""What the subcommands share: settings from flags and environment, and a database to work on."""

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
    """Give ``command`` the flags that choose a database, and a Config of flags and environment."""
    command = click.option(
        "--database-url",
        metavar="URL",
        help="PostgreSQL to use instead of the embedded one [DATABASE_URL].",
    )(command)
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        help="Where the embedded PostgreSQL keeps its data [TRACER_DATA_DIR; ~/.tracer].",
    )(command)


def with_config(command: Command) -> Command:
    """Call ``command(config, …)``: flags named like a setting beat the environment."""

    @functools.wraps(command)
    def wrapped(*args: Any, **flags: Any) -> None:
        names = Config.__dataclass_fields__.keys() & flags.keys()
        given = {name: value for name in names if (value := flags.pop(name)) is not None}
        config = replace(Config.from_env(), **given)
        # Absolute, because PostgreSQL and the workers don't share our current directory.
        config = replace(config, data_dir=config.data_dir.expanduser().absolute())
        command(config, *args, **flags)

    return wrapped


@contextmanager
def reachable(config: Config, purpose: str) -> Iterator[Config]:
    """Give ``config`` with a database that runs; an embedded one that didn't is stopped again.

    Raises ConfigError.
    """
    if config.database_url:
        yield config
        return
    embedded = Embedded(config.data_dir)
    with ExitStack() as stack:
        try:
            stack.enter_context(owned(config.data_dir, purpose))
        except Owned:
            pass  # its owner keeps it running
        except OSError as error:
            raise unusable(config.data_dir, error) from error
        else:
            stack.callback(embedded.stop)
            embedded.start()
        yield replace(config, database_url=embedded.url)
