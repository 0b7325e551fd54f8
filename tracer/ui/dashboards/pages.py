"""The home of a project, the list of dashboards, and the page of a dashboard."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from tracer.dashboards.document import Dashboard, Variable
from tracer.dashboards.library import HOME, READY, ready
from tracer.errors import TooSlow
from tracer.store.library.dashboards import list_dashboards
from tracer.store.query.facets import FACETS, complete_values
from tracer.store.query.selection import ALL
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.dashboards.shown import PERIODS, Shown
from tracer.ui.dashboards.tiles import TileView, view_of

INLINE = "inline"
"""The value of ``tiles`` that shows all tiles within the page: for browsers without scripts."""


@bp.get("/project/<project_id>")
def project_home(project_id: str) -> str:
    """Show the home of a project: the dashboard that answers at a glance."""
    return _page(Shown(project_id, HOME))


@bp.get("/project/<project_id>/dashboards")
def dashboard_list(project_id: str) -> str:
    """Show the project's dashboards and the library."""
    return render(
        "dashboards/list.html",
        rows=list_dashboards(project_id),
        library=library(),
        project_id=project_id,
    )


@bp.get("/project/<project_id>/dashboards/<dashboard_id>")
def dashboard(project_id: str, dashboard_id: str) -> AnyResponse | str:
    """Show a dashboard; its tiles are loaded one by one."""
    return _page(Shown(project_id, dashboard_id))


def _page(shown: Shown) -> str:
    inline = request.args.get("tiles") == INLINE
    tiles: list[TileView | None] = [
        view_of(shown.project_id, tile, shown.frame) if inline else None
        for tile in shown.dashboard.tiles
    ]
    return render("dashboards/dashboard.html", views=tiles, **page_context(shown))


def page_context(shown: Shown) -> dict[str, object]:
    """Return what the head of a dashboard's page shows."""
    return {
        "shown": shown,
        "dashboard": shown.dashboard,
        "own": list_dashboards(shown.project_id),
        "library": library(),
        "periods": PERIODS,
        "offered": {
            variable.name: _values(shown.project_id, variable)
            for variable in shown.dashboard.variables
        },
        "project_id": shown.project_id,
    }


def library() -> list[tuple[str, Dashboard | None]]:
    """Return the ready dashboards with their ids."""
    return [(name, ready(name)) for name in READY]


def _values(project_id: str, variable: Variable) -> list[str]:
    """Return the most frequent values of a variable's field; none where that takes too long."""
    field, _, key = variable.field.partition(".")
    if field not in FACETS and not key:
        return []
    try:
        return [each.text for each in complete_values(project_id, ALL, field, key or None, "")]
    except TooSlow:
        return []
