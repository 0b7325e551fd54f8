"""``tracer import``: what an export holds, or another tracing server."""

from __future__ import annotations

import sys
from contextlib import closing

import click
from flask import Flask

from tracer.cli.exports import import_file
from tracer.cli.options import database_options, reachable, with_config
from tracer.config import Config
from tracer.errors import ConfigError
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


@click.group("import")
def import_() -> None:
    """Take in what an export holds, or another tracing server."""


import_.add_command(import_file)


@import_.command()
@click.option(
    # Under another name: `host` is a setting of ours.
    "--host",
    "source",
    required=True,
    metavar="URL",
    help="The Langfuse server to copy from.",
)
@click.option(
    "--public-key",
    required=True,
    envvar="LANGFUSE_PUBLIC_KEY",
    help="Its key [LANGFUSE_PUBLIC_KEY].",
)
@click.option(
    "--secret-key", required=True, envvar="LANGFUSE_SECRET_KEY", help="… [LANGFUSE_SECRET_KEY]."
)
@click.option(
    "--project",
    default=projects.DEFAULT_PROJECT,
    show_default=True,
    help="Project to copy into; made where there is none of that id.",
)
@database_options
@with_config
def langfuse(config: Config, source: str, public_key: str, secret_key: str, project: str) -> None:
    """Copy traces, observations, scores, media, prompts and datasets from a Langfuse server.

    An interrupted copy goes on where it was; a repeated one changes nothing that is the same.
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
                raise ConfigError(f"{error}; run the same command again to go on") from error


def _copy(app: Flask, config: Config, remote: Remote, journal: Journal, project: str) -> None:
    target = Target(services(app).writer, project, config.max_value_bytes)
    media = MediaCopier(remote, project)
    LibraryCopier(remote, project, _tell).copy()
    TraceCopier(remote, target, journal, media, _tell).copy()
    journal.finish()
    click.echo(f"\n{target.stored:,} records stored, {media.copied:,} media copied")
    for media_id in media.missing:
        click.echo(f"  medium {media_id} is named, and not to be had")
    for refusal in target.refused[:_SHOWN_REFUSALS]:
        click.echo(f"  refused: {refusal}")
    if target.refused:
        raise ConfigError(f"{len(target.refused):,} records were refused; all others are here")


def _tell(step: str, done: int, total: int | None) -> None:
    """Show how far a step has come: a bar where the end is known, else a count."""
    if not sys.stdout.isatty():
        if total is None or done >= total:
            click.echo(f"{step}: {done:,}")
        return
    share = "" if total is None else f" of {total:,} [{'#' * (20 * done // max(total, 1)):<20}]"
    ended = "\n" if done == total else ""
    click.echo(f"\r{step}: {done:,}{share}", nl=False)
    click.echo(ended, nl=False)
