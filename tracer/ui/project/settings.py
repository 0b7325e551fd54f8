"""The settings page of a project, which links to each kind of settings."""

from __future__ import annotations

from tracer.pricing.list_prices import LIST_NAME
from tracer.store.projects.prices import list_prices
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import current_visitor


@bp.get("/project/<project_id>/settings")
def settings(project_id: str) -> str:
    """Show the kinds of settings with their current state."""
    active = [row for row in list_prices(project_id) if row.retired_at is None]
    return render(
        "project/settings.html",
        price_count=len(active),
        list_name=LIST_NAME,
        visitor=current_visitor(),
    )
