"""All projects of the server: the list, and the form of a new one."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Refused
from tracer.store.database.session import transaction
from tracer.store.projects.projects import MAX_ID, MAX_NAME, create_project
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render


@bp.get("/project/<project_id>/settings/projects")
def project_list(project_id: str) -> str:  # noqa: ARG001 - part of the address
    """Show all projects by name, and the form of a new one."""
    return render("project/projects.html", max_id_length=MAX_ID, max_name_length=MAX_NAME)


@bp.post("/project/<project_id>/settings/projects")
def make_project(project_id: str) -> AnyResponse:  # noqa: ARG001 - part of the address
    """Create a project and open its keys, which its senders need."""
    new_id = request.form.get("id", "").strip()
    name = request.form.get("name", "").strip() or new_id
    try:
        with transaction():
            create_project(new_id, name)
    except Refused as error:
        refuse(f"{error}.")
    return redirect(url_for("ui.keys", project_id=new_id), 303)
