"""Reads of dashboards: those of the project, and those that come with Tracer."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.dashboards.library import ready
from tracer.store.library.dashboards import get_dashboard, list_dashboards
from tracer.web.answers.dashboards import (
    DashboardDetail,
    DashboardList,
    dashboard_detail,
    dashboard_list,
    ready_detail,
)
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, set_up

bp = Blueprint("dashboards", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.get("/dashboards")
@describe(Operation(summary="List dashboards", answers={200: DashboardList}, problems=(401,)))
def read_dashboards() -> Response:
    """Return the project's dashboards by name, then those that come with Tracer."""
    return answer(dashboard_list(list_dashboards(current_project_id())))


@bp.get("/dashboards/<id:dashboard_id>")
@describe(
    Operation(
        summary="Read a dashboard with its document",
        answers={200: DashboardDetail},
        problems=READ_PROBLEMS,
    )
)
def read_dashboard(dashboard_id: str) -> Response:
    """Return a dashboard; its document can be stored again, in this project or another."""
    built_in = ready(dashboard_id)
    if built_in is not None:
        return answer(ready_detail(dashboard_id, built_in))
    return answer(dashboard_detail(get_dashboard(current_project_id(), dashboard_id)))
