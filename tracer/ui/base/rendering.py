"""Renders pages and fragments: a page gets the list of the project switcher on top."""

from __future__ import annotations

from flask import g, render_template

from tracer.store.projects.projects import Project, list_projects
from tracer.web.access.identity import Identity
from tracer.web.replica import seconds_behind


def render(template: str, **context: object) -> str:
    """Return a template as HTML; ``context`` has all that it shows, as templates run no query."""
    if not is_fragment_template(template):
        identity: Identity | None = g.get("identity")
        context["projects"] = _projects(identity) if identity is not None else []
        context["member"] = identity.member if identity is not None else None
        context["seconds_behind"] = seconds_behind()
        context["administers"] = identity is not None and identity.administers
    return render_template(template, **context)


def _projects(identity: Identity) -> list[Project]:
    """Return what the project switcher lists: the projects that may be read."""
    if not g.get("project"):
        return []
    own = set(identity.project_ids())
    return [project for project in list_projects() if project.project_id in own]


def is_fragment_template(template: str) -> bool:
    """Return whether a template is part of a page, by its name: ``_name.html``."""
    return template.rpartition("/")[2].startswith("_")
