"""Renders pages and fragments: a page gets the list of the project switcher on top."""

from __future__ import annotations

from functools import lru_cache

from flask import current_app, g, render_template, request, url_for
from werkzeug.routing import Map

from tracer.store.projects.projects import Project
from tracer.web.access.identity import Identity
from tracer.web.replica import seconds_behind


def render(template: str, **context: object) -> str:
    """Return a template as HTML; ``context`` has all of its values, as templates run no query."""
    if not is_fragment_template(template):
        identity: Identity | None = g.get("identity")
        context["switcher"] = _switcher(identity) if identity is not None else []
        context["member"] = identity.member if identity is not None else None
        context["seconds_behind"] = seconds_behind()
        context["administers"] = identity is not None and identity.administers
    return render_template(template, **context)


def _switcher(identity: Identity) -> list[tuple[Project, str]]:
    """Return the projects that may be read, each with the address of this page in it."""
    if not g.get("project"):
        return []
    endpoint = _page_of_any_project()
    return [
        (project, url_for(endpoint, project_id=project.project_id))
        for project in identity.readable_projects()
    ]


def _page_of_any_project() -> str:
    """Return the endpoint of this page, or of the list that it belongs to.

    The subject of a page, such as a trace, exists in one project; its list exists in each.
    """
    rule = request.url_rule
    parts = rule.rule.split("/") if rule is not None else []
    for length in range(len(parts), 3, -1):
        endpoint = _pages_of_projects(current_app.url_map).get("/".join(parts[:length]))
        if endpoint is not None:
            return endpoint
    return "ui.trace_list"


@lru_cache(maxsize=8)
def _pages_of_projects(routes: Map) -> dict[str, str]:
    """Return the endpoint of each page whose address names a project and nothing else."""
    return {
        rule.rule: rule.endpoint
        for rule in routes.iter_rules()
        if rule.arguments == {"project_id"}
        and "GET" in (rule.methods or ())
        and not rule.endpoint.endswith("_json")
    }


def is_fragment_template(template: str) -> bool:
    """Return whether a template is part of a page, by its name: ``_name.html``."""
    return template.rpartition("/")[2].startswith("_")
