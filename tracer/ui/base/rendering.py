"""Renders pages and fragments: a page gets the list of the project switcher on top."""

from __future__ import annotations

from flask import g, render_template

from tracer.store.projects.projects import list_projects


def render(template: str, **context: object) -> str:
    """Return a template as HTML; ``context`` has all that it shows, as templates run no query."""
    if not is_fragment_template(template):
        context["projects"] = list_projects() if g.get("project") else []
    return render_template(template, **context)


def is_fragment_template(template: str) -> bool:
    """Return whether a template is part of a page, by its name: ``_name.html``."""
    return template.rpartition("/")[2].startswith("_")
