"""Origins of browser applications that send to a project; its archiving and deletion."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Refused
from tracer.store.database.session import transaction
from tracer.store.projects.lifecycle import (
    archive_project,
    delete_project,
    project_contents,
)
from tracer.store.projects.origins import get_origins, set_origins
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.web.access import audit


@bp.get("/project/<project_id>/settings/access")
def project_access(project_id: str) -> str:
    """Show the origins, and the forms that archive or delete the project."""
    return render(
        "project/access.html",
        origins=get_origins(project_id),
        can_delete=project_id != DEFAULT_PROJECT,
    )


@bp.post("/project/<project_id>/settings/origins")
def change_origins(project_id: str) -> AnyResponse:
    """Replace the origins of browser applications that may send spans."""
    origins = request.form.get("origins", "").split()
    try:
        with transaction():
            before = get_origins(project_id)
            set_origins(project_id, origins)
            audit.add("origins.change", " ".join(origins), project_id, before=before)
    except Refused as refused:
        refuse(f"Not changed: {refused}.")
    return redirect(url_for("ui.project_access", project_id=project_id), 303)


@bp.post("/project/<project_id>/settings/archive")
def archive(project_id: str) -> AnyResponse:
    """Archive the project, which can then only be read; or with ``action=restore`` restore it."""
    restore = request.form.get("action") == "restore"
    with transaction():
        archive_project(project_id, archived=not restore)
        audit.add("project.restore" if restore else "project.archive", g.project.name, project_id)
    return redirect(url_for("ui.project_access", project_id=project_id), 303)


@bp.get("/project/<project_id>/settings/delete")
def deletion(project_id: str) -> str:
    """Show what a deletion of the project would delete."""
    contents: dict[str, Any] = project_contents(project_id)
    return render("project/delete.html", contents=contents)


@bp.post("/project/<project_id>/settings/delete")
def remove_project(project_id: str) -> AnyResponse:
    """Delete the project if its name was typed; its rows are purged in the background."""
    if project_id == DEFAULT_PROJECT:
        refuse("The default project can't be deleted: requests without a key go to it.")
    if request.form.get("name", "") != g.project.name:
        refuse("Type the name of the project exactly as it is shown.")
    with transaction():
        delete_project(project_id)
        audit.add("project.delete", f"{project_id} {g.project.name}")
    return redirect(url_for("ui.home"), 303)
