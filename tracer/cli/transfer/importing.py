"""``tracer import``: imports an exported file, or the data of another tracing server."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from flask import Flask

from tracer.cli.options import database_options, reachable, with_config
from tracer.cli.transfer.exports import import_file
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.importing.annotations import AnnotationCopier
from tracer.importing.journal import Journal
from tracer.importing.library import LibraryCopier
from tracer.importing.media import MediaCopier
from tracer.importing.remote import ImportFailed, Remote
from tracer.importing.target import Target
from tracer.importing.traces import TraceCopier
from tracer.store.database.session import transaction
from tracer.store.projects import projects
from tracer.web.services import services

_SHOWN_REFUSALS = 20


class ImportGroup(click.Group):
    """The commands of ``tracer import``; ``file`` may be left out before the name of a file."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command of these arguments, as click does."""
        if args and args[0] not in self.commands and Path(args[0]).is_file():
            args = ["file", *args]
        return super().resolve_command(ctx, args)


@click.group("import", cls=ImportGroup)
def import_() -> None:
    """Import an exported file, or the data of another tracing server."""


import_.add_command(import_file)


@import_.command()
@click.option(
    # Not `host`, which is the name of a Tracer setting.
    "--host",
    "source",
    required=True,
    metavar="URL",
    help="The Langfuse server to import from.",
)
@click.option(
    "--public-key",
    required=True,
    envvar="LANGFUSE_PUBLIC_KEY",
    help="Public key of the Langfuse project [LANGFUSE_PUBLIC_KEY].",
)
@click.option(
    "--secret-key",
    required=True,
    envvar="LANGFUSE_SECRET_KEY",
    help="Secret key of the Langfuse project [LANGFUSE_SECRET_KEY].",
)
@click.option(
    "--project",
    default=projects.DEFAULT_PROJECT,
    show_default=True,
    help="Id of the project to import into; created if it does not exist.",
)
@database_options
@with_config
def langfuse(config: Config, source: str, public_key: str, secret_key: str, project: str) -> None:
    """Import traces, scores, comments, media, prompts and datasets from a Langfuse server.

    An interrupted import continues where it stopped; a repeated one leaves unchanged records alone.
    """
    from tracer.app import create_app
    from tracer.server.migrations import upgrade

    journal = Journal(config.data_dir / "imports", source, project)
    remote = Remote(source, public_key, secret_key)
    with remote, reachable(config, "tracer import langfuse") as config:
        upgrade(config.database_url)
        app = create_app(config)
        with app.app_context(), closing(services(app).writer):
            if projects.get_project(project) is None:
                with transaction():
                    projects.create_project(project, project)
            try:
                _copy(app, config, remote, journal, project)
            except ImportFailed as error:
                click.echo()
                raise ConfigError(f"{error}; run the same command again to continue") from error


def _copy(app: Flask, config: Config, remote: Remote, journal: Journal, project: str) -> None:
    target = Target(services(app).writer, project, config.max_value_bytes)
    media = MediaCopier(remote, project)
    LibraryCopier(remote, project, media, _show_progress).copy()
    annotations = AnnotationCopier(remote, target, _show_progress)
    annotations.copy_configs()
    TraceCopier(remote, target, journal, media, _show_progress).copy()
    annotations.copy_comments()
    journal.finish()
    click.echo(f"\n{target.stored:,} records stored, {media.copied:,} media copied")
    for media_id in media.missing:
        click.echo(f"  medium {media_id} is referred to, but not available")
    for refusal in target.refused[:_SHOWN_REFUSALS]:
        click.echo(f"  refused: {refusal}")
    if target.refused:
        raise ConfigError(f"{len(target.refused):,} records were refused; all others were stored")


def _show_progress(step: str, done: int, total: int | None) -> None:
    """Print the progress of a step: a bar if the total is known, else a count."""
    if not sys.stdout.isatty():
        if total is None or done >= total:
            click.echo(f"{step}: {done:,}")
        return
    share = "" if total is None else f" of {total:,} [{'#' * (20 * done // max(total, 1)):<20}]"
    ended = "\n" if done == total else ""
    click.echo(f"\r{step}: {done:,}{share}", nl=False)
    click.echo(ended, nl=False)
