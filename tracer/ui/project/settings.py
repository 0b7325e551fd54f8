"""The settings of a project: where each kind of them is."""

from __future__ import annotations

from tracer.pricing.list_prices import LIST_NAME
from tracer.store.projects.prices import list_prices
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import current_visitor


@bp.get("/project/<project_id>/settings")
def settings(project_id: str) -> str:
    """Show what can be set, and how it is."""
    active = [row for row in list_prices(project_id) if row.retired_at is None]
    return render(
        "project/settings.html",
        price_count=len(active),
        list_name=LIST_NAME,
        visitor=current_visitor(),
    )
