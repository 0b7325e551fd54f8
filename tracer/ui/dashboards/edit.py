"""The editor: creates, changes, moves and removes tiles; every change is saved at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import abort, redirect, request, url_for
from msgspec.structs import replace
from werkzeug.wrappers import Response as AnyResponse

from tracer.dashboards.document import (
    CHARTS,
    MAX_TILES,
    WIDTHS,
    Dashboard,
    Tile,
    Variable,
    read_dashboard,
    write_dashboard,
)
from tracer.dashboards.library import ready
from tracer.errors import Conflict, Invalid
from tracer.measure.fields import GRAINS
from tracer.store.database.session import transaction
from tracer.store.library.dashboards import change_dashboard
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import author
from tracer.ui.dashboards.pages import library
from tracer.ui.dashboards.shown import Shown
from tracer.ui.dashboards.tile_form import MEASURES, NEW, TileForm, form_of, read_form
from tracer.ui.dashboards.tiles import view_of

_RULE: Final = "/project/<project_id>/dashboards/<dashboard_id>"
NEW_TILE: Final = "new"


@bp.get(f"{_RULE}/edit")
def edit_dashboard(project_id: str, dashboard_id: str) -> str:
    """Show the editor; ``tile``: the number of the tile whose form is open, or ``new``."""
    return _page(_own(project_id, dashboard_id))


def _page(shown: Shown, form: TileForm | None = None) -> str:
    number = request.values.get("tile", "")
    form = form or _form(shown, number)
    tile = form.tile if form else None
    return render(
        "dashboards/edit.html",
        form=form,
        number=number,
        preview=view_of(shown.project_id, tile, shown.frame) if tile else None,
        charts=CHARTS,
        widths=[(width, width) for width in WIDTHS],
        measures=MEASURES,
        grains=list(GRAINS),
        shown=shown,
        dashboard=shown.dashboard,
        library=library(),
        project_id=shown.project_id,
    )


def _form(shown: Shown, number: str) -> TileForm | None:
    if "measure" in request.args:
        return read_form(request.args)
    if number == NEW_TILE:
        return TileForm(dict(NEW))
    tiles = shown.dashboard.tiles
    return form_of(tiles[int(number)]) if number.isdecimal() and int(number) < len(tiles) else None


@bp.post(f"{_RULE}/tiles")
def save_tile(project_id: str, dashboard_id: str) -> AnyResponse | tuple[str, int]:
    """Save the tile of the form in its place, or as the last one."""
    shown = _own(project_id, dashboard_id)
    form, number = read_form(request.form), request.form.get("tile", "")
    if form.tile is None:
        return _page(shown, form), 422
    tiles = list(shown.dashboard.tiles)
    if number == NEW_TILE:
        tiles.append(form.tile)
        number = str(len(tiles) - 1)
    else:
        tiles[_index(number, tiles)] = form.tile
    return _save(shown, replace(shown.dashboard, tiles=_few(tiles)), f"tile-{number}")


@bp.post(f"{_RULE}/move")
def move_tile(project_id: str, dashboard_id: str) -> AnyResponse:
    """Move the tile ``number`` to the place ``to``."""
    shown = _own(project_id, dashboard_id)
    tiles = list(shown.dashboard.tiles)
    moved = tiles.pop(_index(request.form.get("number", ""), tiles))
    to = min(max(request.form.get("to", 0, type=int), 0), len(tiles))
    tiles.insert(to, moved)
    return _save(shown, replace(shown.dashboard, tiles=tuple(tiles)), f"tile-{to}")


@bp.post(f"{_RULE}/drop")
def remove_tile(project_id: str, dashboard_id: str) -> AnyResponse:
    """Remove the tile ``number``."""
    shown = _own(project_id, dashboard_id)
    tiles = list(shown.dashboard.tiles)
    del tiles[_index(request.form.get("number", ""), tiles)]
    return _save(shown, replace(shown.dashboard, tiles=tuple(tiles)))


@bp.post(f"{_RULE}/add")
def add_ready_tiles(project_id: str, dashboard_id: str) -> AnyResponse:
    """Add the charts of a ready dashboard, and the variables that they name."""
    shown = _own(project_id, dashboard_id)
    added = ready(request.form.get("ready", ""))
    if added is None:
        abort(404, f"The library has no dashboard “{request.form.get('ready', '')}”.")
    known = {variable.name for variable in shown.dashboard.variables}
    new = tuple(variable for variable in added.variables if variable.name not in known)
    first = len(shown.dashboard.tiles)
    changed = replace(
        shown.dashboard,
        tiles=_few([*shown.dashboard.tiles, *added.tiles]),
        variables=shown.dashboard.variables + new,
    )
    return _save(shown, changed, f"tile-{first}")


@bp.post(f"{_RULE}/settings")
def change_dashboard_settings(project_id: str, dashboard_id: str) -> AnyResponse:
    """Change what all tiles share: name, description, time, query, variables."""
    shown = _own(project_id, dashboard_id)
    form = {
        name: request.form.get(name, "").strip()
        for name in ("name", "description", "range", "query")
    }
    columns = (request.form.getlist(f"variable_{part}") for part in ("name", "field", "value"))
    variables = tuple(
        Variable(name=name.strip().removeprefix("$"), field=field.strip(), value=value.strip())
        for name, field, value in zip(*columns, strict=False)
        if name.strip()
    )
    changed = Dashboard(**form, variables=variables, tiles=shown.dashboard.tiles)
    return _save(shown, changed)


def _own(project_id: str, dashboard_id: str) -> Shown:
    """Return a dashboard that can be changed."""
    shown = Shown(project_id, dashboard_id)
    if not shown.version:
        abort(404, "This dashboard comes with Tracer. Copy it, and change the copy.")
    return shown


def _save(shown: Shown, changed: Dashboard, anchor: str = "") -> AnyResponse:
    """Save a changed dashboard; raises Conflict if the page was outdated."""
    try:
        checked = read_dashboard(write_dashboard(changed))
        version = request.form.get("version", shown.version, type=int)
        with transaction():
            change_dashboard(
                shown.project_id, shown.dashboard_id, checked, author(), version=version
            )
    except (Invalid, Conflict) as error:
        refuse(f"Not saved: {error}.")
    page = url_for(
        "ui.edit_dashboard", project_id=shown.project_id, dashboard_id=shown.dashboard_id
    )
    return redirect(f"{page}{f'#{anchor}' if anchor else ''}", 303)


def _index(number: str, tiles: Sequence[Tile]) -> int:
    if not number.isdecimal() or int(number) >= len(tiles):
        abort(404, f"This dashboard has no tile {number}.")
    return int(number)


def _few(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    if len(tiles) > MAX_TILES:
        refuse(f"A dashboard has at most {MAX_TILES} charts.")
    return tuple(tiles)
