"""Saved views: named states of lists, private to one visitor or shared in the project."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import Conflict, NotFound
from tracer.extensions import db
from tracer.store.annotations.subjects import Author
from tracer.store.schema import saved_views

MAX_VIEWS: Final = 50
"""Limit per list, for shared views and those of one visitor together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedView:
    """A state of a list; ``owner_id`` None: everyone in the project sees it."""

    view_id: str
    list: str
    name: str
    state: str
    """The query string of the list's address."""
    owner_id: str | None
    is_default: bool
    """Whether the list opens with it, for its owner or (shared) for visitors without a default."""
    author: str | None


_COLUMNS: Final = [saved_views.c[name] for name in SavedView.__dataclass_fields__]


def list_views(project_id: str, list_name: str | None, visitor_id: str) -> list[SavedView]:
    """Return the views of a list that a visitor sees in display order, shared ones first.

    `list_name` None: the views of all lists.
    """
    query = (
        sa.select(*_COLUMNS)
        .where(
            saved_views.c.project_id == project_id,
            _visible(visitor_id),
            *([saved_views.c.list == list_name] if list_name is not None else []),
        )
        .order_by(
            saved_views.c.owner_id.is_not(None),
            *(saved_views.c.position, saved_views.c.created_at, saved_views.c.view_id),
        )
    )
    return [SavedView(**row) for row in db.session.execute(query).mappings()]


def get_view(project_id: str, view_id: str, visitor_id: str) -> SavedView:
    """Return a view that the visitor sees; raises NotFound."""
    query = sa.select(*_COLUMNS).where(
        saved_views.c.project_id == project_id,
        saved_views.c.view_id == view_id,
        _visible(visitor_id),
    )
    row = db.session.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound.of("saved view", view_id)
    return SavedView(**row)


def save_view(
    project_id: str, list_name: str, name: str, state: str, author: Author, *, shared: bool
) -> str:
    """Store a new view at the end of its list; return its id. Raises Conflict at the limit.

    ``shared``: everyone in the project sees it, else the author alone.
    """
    views = list_views(project_id, list_name, author.author_id or "")
    if len(views) >= MAX_VIEWS:
        raise Conflict(f"a list has at most {MAX_VIEWS} views")
    view_id = secrets.token_hex(8)
    values = {
        "project_id": project_id,
        "view_id": view_id,
        "list": list_name,
        "name": name,
        "state": state,
        "owner_id": None if shared else author.author_id,
        "position": len(views),
        **author.values(),
    }
    db.session.execute(sa.insert(saved_views).values(values))
    return view_id


def change_view(project_id: str, view: SavedView, **values: Any) -> None:
    """Change fields of a view: ``name``, ``state``, ``owner_id``."""
    db.session.execute(
        sa.update(saved_views)
        .where(_is(project_id, view))
        .values(updated_at=sa.func.now(), **values)
    )


def make_default(project_id: str, view: SavedView, *, default: bool) -> None:
    """Make a view the default of its list, replacing the previous default, or clear the default."""
    same_owner = saved_views.c.owner_id.is_not_distinct_from(view.owner_id)
    of_list = sa.and_(
        saved_views.c.project_id == project_id, saved_views.c.list == view.list, same_owner
    )
    is_default = sa.and_(saved_views.c.view_id == view.view_id, sa.literal(default))
    db.session.execute(sa.update(saved_views).where(of_list).values(is_default=is_default))


def move_view(project_id: str, view: SavedView, visitor_id: str, by: int) -> None:
    """Move a view by -1 (up) or 1 (down) among the views of the same owner."""
    views = [
        other
        for other in list_views(project_id, view.list, visitor_id)
        if other.owner_id == view.owner_id
    ]
    position = [other.view_id for other in views].index(view.view_id)
    views.insert(max(0, position + by), views.pop(position))
    for index, other in enumerate(views):
        db.session.execute(
            sa.update(saved_views).where(_is(project_id, other)).values(position=index)
        )


def delete_view(project_id: str, view: SavedView) -> None:
    """Delete a view."""
    db.session.execute(sa.delete(saved_views).where(_is(project_id, view)))


def _is(project_id: str, view: SavedView) -> sa.ColumnElement[bool]:
    return sa.and_(saved_views.c.project_id == project_id, saved_views.c.view_id == view.view_id)


def _visible(visitor_id: str) -> sa.ColumnElement[bool]:
    return sa.or_(saved_views.c.owner_id.is_(None), saved_views.c.owner_id == visitor_id)
