"""The settings of a project: its name, environments and size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Invalid
from tracer.store.database.session import transaction
from tracer.store.projects.projects import MAX_NAME, rename_project
from tracer.store.projects.sizes import environment_sizes, project_size
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import current_visitor

_PERIOD: Final = timedelta(days=7)


@bp.get("/project/<project_id>/settings")
def settings(project_id: str) -> str:
    """Show the project's name, environments and size."""
    return render(
        "project/settings.html",
        size=project_size(project_id),
        environments=environment_sizes(project_id, datetime.now(UTC) - _PERIOD),
        max_name_length=MAX_NAME,
        visitor=current_visitor(),
    )


@bp.post("/project/<project_id>/settings")
def change_settings(project_id: str) -> AnyResponse:
    """Rename the project."""
    try:
        with transaction():
            rename_project(project_id, request.form.get("name", ""))
    except Invalid as error:
        refuse(f"{error}.")
    return redirect(url_for("ui.settings", project_id=project_id), 303)
