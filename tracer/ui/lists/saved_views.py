"""Saved views: the tabs over a list, and the forms that save, change and order them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.library import saved_views
from tracer.store.library.saved_views import SavedView, get_view, list_views
from tracer.ui.base.blueprint import bp, is_fragment, refuse
from tracer.ui.base.representations import wants_json
from tracer.ui.base.visitor import author, current_visitor
from tracer.ui.lists.kinds import ListKind, list_kind
from tracer.ui.query.list_query import ListQuery
from tracer.web.access import audit

_MAX_NAME_LENGTH: Final = 80
_MAX_STATE_LENGTH: Final = 8_000
_STATE: Final = ("q", "sort", "columns", "over", "of")
NONE: Final = "all"
"""The value of ``view`` that opens a list without its default view."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: a saved view, or all rows of the list."""

    view: SavedView | None
    name: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Tabs:
    """The saved views of a list, with the one that is open."""

    tabs: list[Tab]
    open: SavedView | None
    changed: bool
    """Whether the list shows something else than the open view."""
    state: str
    """What the list shows, as a view stores it."""


def tabs_of(kind: ListKind, project_id: str, query: ListQuery) -> Tabs:
    """Return the tabs of a list."""
    views = _views(kind, project_id)
    chosen = query.kept.get("view", "")
    current = next((view for view in views if view.view_id == chosen), None)
    state = urlencode(_state({"q": query.shown, **query.kept}))
    everything = {"view": NONE} if any(view.is_default for view in views) else {}
    tabs = [Tab(None, "All", kind.url(project_id, **everything), current is None)]
    tabs += [
        Tab(view, view.name, view_url(kind, project_id, view), view is current) for view in views
    ]
    changed = current is not None and dict(parse_qsl(current.state)) != dict(parse_qsl(state))
    return Tabs(tabs, current, changed, state)


def _views(kind: ListKind, project_id: str) -> list[SavedView]:
    """Return the views of a list, read once per request: for its tabs, and for a default view."""
    views: dict[str, list[SavedView]] = g.setdefault("views", {})
    if kind.endpoint not in views:
        reader = current_visitor().visitor_id
        views[kind.endpoint] = list_views(project_id, kind.endpoint, reader)
    return views[kind.endpoint]


def view_url(kind: ListKind, project_id: str, view: SavedView) -> str:
    """Return the address of a list in the state of a view."""
    values = {**dict(parse_qsl(view.state)), "view": view.view_id}
    return f"{kind.url(project_id)}?{urlencode(values)}"


def default_view(kind: ListKind, project_id: str) -> AnyResponse | None:
    """Return the redirect of a bare address to the list's default view; None: it has none."""
    if request.args or is_fragment() or wants_json():
        return None
    views = _views(kind, project_id)
    # The visitor's own default comes before the project's.
    default = next((view for view in reversed(views) if view.is_default), None)
    return redirect(view_url(kind, project_id, default)) if default is not None else None


@bp.get("/project/<project_id>/views/<view_id>")
def saved_view(project_id: str, view_id: str) -> AnyResponse:
    """Lead to the list in the state that the view has now: a permanent link."""
    view = get_view(project_id, view_id, current_visitor().visitor_id)
    return redirect(view_url(list_kind(view.list), project_id, view))


@bp.post("/project/<project_id>/views")
def create_view(project_id: str) -> AnyResponse:
    """Save the state in the form as a view by name."""
    kind, name = list_kind(request.form.get("list", "")), _name()
    by, shared = author(), request.form.get("shared") == "1"
    with transaction():
        view_id = saved_views.save_view(
            project_id, kind.endpoint, name, _sent_state(), by, shared=shared
        )
        audit.add("view.create", name, project_id, list=kind.endpoint, shared=shared)
    return _lead_to(project_id, view_id)


@bp.post("/project/<project_id>/views/<view_id>")
def edit_view(project_id: str, view_id: str) -> AnyResponse:
    """Change a view as the button of the form has it: save, rename, order, default, remove."""
    reader = current_visitor().visitor_id
    view = get_view(project_id, view_id, reader)
    action = request.form.get("action", "")
    with transaction():
        if action == "save":
            saved_views.change_view(project_id, view, state=_sent_state())
        elif action == "rename":
            shared = request.form.get("shared") == "1"
            owner = None if shared else view.owner_id or author().author_id
            saved_views.change_view(project_id, view, name=_name(), owner_id=owner)
        elif action in ("left", "right"):
            saved_views.move_view(project_id, view, reader, -1 if action == "left" else 1)
        elif action in ("default", "usual"):
            saved_views.make_default(project_id, view, default=action == "default")
        elif action == "remove":
            saved_views.delete_view(project_id, view)
        else:
            refuse("action: expected save, rename, left, right, default, usual or remove.")
        audit.add(f"view.{action}", view.name, project_id, list=view.list)
    if action == "remove":
        return redirect(list_kind(view.list).url(project_id, view=NONE), 303)
    return _lead_to(project_id, view_id)


def _lead_to(project_id: str, view_id: str) -> AnyResponse:
    return redirect(url_for("ui.saved_view", project_id=project_id, view_id=view_id), 303)


def _name() -> str:
    name = " ".join(request.form.get("name", "").split())
    if not 1 <= len(name) <= _MAX_NAME_LENGTH:
        refuse(f"name: expected 1 to {_MAX_NAME_LENGTH} characters.")
    return name


def _sent_state() -> str:
    text = request.form.get("state", "")
    if len(text) > _MAX_STATE_LENGTH:
        refuse("state: the query of a view is too long.")
    return urlencode(_state(dict(parse_qsl(text))))


def _state(values: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of an address that a view keeps, in a fixed order."""
    return {name: values[name] for name in _STATE if values.get(name)}
