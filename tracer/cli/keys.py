"""``tracer keys``: creates, lists and revokes the API keys of a project."""

from __future__ import annotations

import click

from tracer.cli.options import application, database_options, with_config
from tracer.config import Config
from tracer.errors import ConfigError, NotFound
from tracer.store.database.session import transaction
from tracer.store.projects import projects
from tracer.store.projects.keys import create_key, list_keys, revoke_key

_project = click.option(
    "--project", default=projects.DEFAULT_PROJECT, show_default=True, help="Project id."
)


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.argument("name", default="key")
@_project
@database_options
@with_config
def create(config: Config, name: str, project: str) -> None:
    """Create a key called NAME; its secret is shown only now."""
    with application(config, "tracer keys create"):
        try:
            with transaction():
                key, secret = create_key(project, name)
        except NotFound:
            raise ConfigError(f"there is no project {project!r}: {_project_list()}") from None
    click.echo(f"id      {key.key_id}")
    click.echo(f"public  {key.public_key}")
    click.echo(f"secret  {secret}")


@keys.command("list")
@_project
@database_options
@with_config
def list_command(config: Config, project: str) -> None:
    """List the keys of a project, oldest first."""
    with application(config, "tracer keys list"):
        if projects.get_project(project) is None:
            raise ConfigError(f"there is no project {project!r}: {_project_list()}")
        for key in list_keys(project):
            state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "valid"
            created = f"{key.created_at:%Y-%m-%d}"
            click.echo(f"{key.key_id}  {key.public_key}  {created}  {state:<18}  {key.name}")


@keys.command()
@click.argument("key_id")
@database_options
@with_config
def revoke(config: Config, key_id: str) -> None:
    """Revoke the key with the id KEY_ID."""
    with application(config, "tracer keys revoke"):
        with transaction():
            revoked = revoke_key(key_id)
        if not revoked:
            raise ConfigError(f"there is no valid key {key_id!r}; `tracer keys list` shows them")
    click.echo(f"revoked {key_id}")


def _project_list() -> str:
    ids = ", ".join(project.project_id for project in projects.list_projects())
    return f"there are {ids}; `tracer projects create` makes another"
