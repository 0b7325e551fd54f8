"""Dashboards are made, copied, exported, imported and removed."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response, redirect, request, url_for
from msgspec.structs import replace
from werkzeug.wrappers import Response as AnyResponse

from tracer import exact_json
from tracer.dashboards.document import Dashboard, check_dashboard, read_dashboard, write_dashboard
from tracer.errors import Invalid
from tracer.store.database.session import transaction
from tracer.store.library.dashboards import create_dashboard, delete_dashboard
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.visitor import author
from tracer.ui.dashboards.download import attachment
from tracer.ui.dashboards.shown import Shown

_RULE: Final = "/project/<project_id>/dashboards/<dashboard_id>"
_MAX_DOCUMENT_LENGTH: Final = 1_000_000
"""Characters of a document that is imported."""


@bp.post("/project/<project_id>/dashboards")
def make_dashboard(project_id: str) -> AnyResponse:
    """Make an empty dashboard of a name, or the one whose document was sent."""
    sent = request.files.get("file")
    text = sent.read(_MAX_DOCUMENT_LENGTH).decode("utf-8", "replace") if sent else ""
    text = text or request.form.get("document", "")[:_MAX_DOCUMENT_LENGTH]
    try:
        if text.strip():
            made = _imported(text)
        else:
            made = read_dashboard({"name": request.form.get("name", "").strip()})
    except Invalid as error:
        refuse(f"{error}.")
    return _create(project_id, made)


@bp.post(f"{_RULE}/copy")
def copy_dashboard(project_id: str, dashboard_id: str) -> AnyResponse:
    """Copy a dashboard of the project or of the library; the copy can be changed."""
    original = Shown(project_id, dashboard_id).dashboard
    return _create(project_id, replace(original, name=f"Copy of {original.name}"[:200]))


@bp.get(f"{_RULE}/export")
def export_dashboard(project_id: str, dashboard_id: str) -> Response:
    """Return the document of a dashboard as a file, which can be imported."""
    dashboard = Shown(project_id, dashboard_id).dashboard
    text = json.dumps(write_dashboard(dashboard), indent=2, ensure_ascii=False)
    return attachment(f"{text}\n", dashboard.name, ".json", "application/json")


@bp.post(f"{_RULE}/remove")
def remove_dashboard(project_id: str, dashboard_id: str) -> AnyResponse:
    """Remove a dashboard of the project."""
    with transaction():
        delete_dashboard(project_id, dashboard_id)
    return redirect(url_for("ui.dashboard_list", project_id=project_id), 303)


def _imported(text: str) -> Dashboard:
    """Return the dashboard of a JSON text whose tiles can be answered; raises Invalid."""
    try:
        value: Any = exact_json.decode(text)
    except (ValueError, RecursionError) as error:
        raise Invalid.of_field("", f"this is no JSON: {error}") from None
    if exact_json.NUL.search(text):
        raise Invalid.of_field("", "the escape of NUL can't be stored")
    dashboard = read_dashboard(value)
    check_dashboard(dashboard)
    return dashboard


def _create(project_id: str, dashboard: Dashboard) -> AnyResponse:
    try:
        with transaction():
            made = create_dashboard(project_id, dashboard, author())
    except Invalid as error:
        refuse(f"{error}.")
    page = url_for("ui.edit_dashboard", project_id=project_id, dashboard_id=made.dashboard_id)
    return redirect(page, 303)
