"""One tile: what htmx puts into its dashboard, its own page with its table, JSON and CSV."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request

from tracer.dashboards.document import Tile
from tracer.measure.question import write_question
from tracer.times import json_time
from tracer.ui.base.blueprint import bp, is_fragment
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.dashboards.download import attachment
from tracer.ui.dashboards.pages import page_context
from tracer.ui.dashboards.shown import Shown
from tracer.ui.dashboards.tiles import TileView, view_of

_FRAGMENTS = ("dashboards/_tile.html", "dashboards/_chart.html")
_RULE = "/project/<project_id>/dashboards/<dashboard_id>/tiles/<int:number>"


@html_and_json(_RULE)
def dashboard_tile(project_id: str, dashboard_id: str, number: int) -> Representations:
    """Show a tile: alone for htmx, else as a page with the table of its values."""
    shown = Shown(project_id, dashboard_id)
    view = view_of(project_id, _tile(shown, number), shown.frame)
    fragment = is_fragment()
    return Representations(
        _FRAGMENTS[request.args.get("part") == "chart"] if fragment else "dashboards/tile.html",
        context=lambda: {
            **({"shown": shown} if fragment else page_context(shown)),
            "view": view,
            "number": number,
        },
        data=lambda: _data(view),
    )


@bp.get(f"{_RULE}.csv")
def dashboard_tile_csv(project_id: str, dashboard_id: str, number: int) -> Response:
    """Return the values of a tile as CSV."""
    shown = Shown(project_id, dashboard_id)
    tile = _tile(shown, number)
    view = view_of(project_id, tile, shown.frame)
    if view.value_table is None:
        abort(422, view.error)
    return attachment(view.value_table.csv(), tile.title, ".csv", "text/csv; charset=utf-8")


def _tile(shown: Shown, number: int) -> Tile:
    tiles = shown.dashboard.tiles
    if not 0 <= number < len(tiles):
        abort(404, f"This dashboard has no tile {number}.")
    return tiles[number]


def _data(view: TileView) -> dict[str, Any]:
    """Return a tile as JSON: its question, and its table with plain values."""
    if view.answer is None or view.value_table is None:
        return {"title": view.tile.title, "error": view.error}
    frame = view.answer.frame
    return {
        "title": view.tile.title,
        "question": write_question(view.answer.question),
        "since": json_time(frame.since),
        "until": json_time(frame.until),
        "source": view.answer.source,
        "estimated": view.answer.estimated,
        "columns": [view.value_table.heading, *(label for label, _ in view.value_table.columns)],
        "rows": [[row.key, *row.values] for row in view.value_table.rows],
    }
