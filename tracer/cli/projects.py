"""``tracer projects``: creates and lists projects."""

from __future__ import annotations

import click

from tracer.cli.options import application, database_options, with_config
from tracer.config import Config
from tracer.store.database.session import transaction
from tracer.store.projects.projects import create_project, list_projects


@click.group("projects")
def projects() -> None:
    """Create and list projects."""


@projects.command()
@click.argument("project_id")
@click.option("--name", help="Name that the pages show; without it, PROJECT_ID.")
@database_options
@with_config
def create(config: Config, project_id: str, name: str | None) -> None:
    """Create the project PROJECT_ID, which addresses and keys refer to."""
    with application(config, "tracer projects create"), transaction():
        project = create_project(project_id, name or project_id)
    hint = f"`tracer keys create NAME --project {project.project_id}` makes a key for it"
    click.echo(f"created {project.project_id}; {hint}")


@projects.command("list")
@database_options
@with_config
def list_command(config: Config) -> None:
    """List the projects by name."""
    with application(config, "tracer projects list"):
        for project in list_projects():
            click.echo(f"{project.project_id:<24}  {project.name}")
