"""``tracer backup`` and ``tracer restore``: the whole database as a file of pg_dump."""

from __future__ import annotations

from pathlib import Path

import click

from tracer.cli.options import database_options, reachable, with_config
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.server import backups


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@database_options
@with_config
def backup(config: Config, file: Path) -> None:
    """Write the whole database to FILE, also while the server runs.

    The file is in pg_dump's custom format, a consistent snapshot.
    """
    if file.exists():
        raise ConfigError(f"{file} exists already: choose another name")
    with reachable(config, "tracer backup") as config:
        size = backups.dump(config.database_url, file)
    click.echo(f"wrote {file}, {size:,} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@database_options
@with_config
def restore(config: Config, file: Path) -> None:
    """Fill an empty database from FILE, then upgrade its schema.

    Stop the server first. A database that has tables already is refused.
    """
    from tracer.server.migrations import upgrade

    with reachable(config, "tracer restore") as config:
        backups.restore(config.database_url, file)
        _, revision = upgrade(config.database_url)
    click.echo(f"restored {file}, schema {revision}")
