"""Saved views: states of lists by name, of one person or of the whole project."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import Conflict, NotFound
from tracer.extensions import db
from tracer.store.annotations.subjects import Author
from tracer.store.schema import saved_views

MOST_VIEWS: Final = 50
"""Of one list, of the project and of one person together."""


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
    """Whether the list opens with it, for its owner or for everyone without a default."""
    author: str | None


_COLUMNS: Final = [saved_views.c[name] for name in SavedView.__dataclass_fields__]


def list_views(project_id: str, list_name: str | None, reader_id: str) -> list[SavedView]:
    """Return the views of a list that a reader sees, in their order: the project's come first.

    None: those of all lists.
    """
    query = (
        sa.select(*_COLUMNS)
        .where(
            saved_views.c.project_id == project_id,
            _visible(reader_id),
            *([saved_views.c.list == list_name] if list_name is not None else []),
        )
        .order_by(
            saved_views.c.owner_id.is_not(None),
            *(saved_views.c.position, saved_views.c.created_at, saved_views.c.view_id),
        )
    )
    return [SavedView(**row) for row in db.session.execute(query).mappings()]


def get_view(project_id: str, view_id: str, reader_id: str) -> SavedView:
    """Return a view that a reader sees; raises NotFound."""
    query = sa.select(*_COLUMNS).where(
        saved_views.c.project_id == project_id,
        saved_views.c.view_id == view_id,
        _visible(reader_id),
    )
    row = db.session.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("this project has no such view")
    return SavedView(**row)


def save_view(
    project_id: str, list_name: str, name: str, state: str, author: Author, *, shared: bool
) -> str:
    """Store a new view, the last of its list; return its id. Raises Conflict: there are too many.

    ``shared``: everyone in the project sees it, else the author alone.
    """
    views = list_views(project_id, list_name, author.author_id or "")
    if len(views) >= MOST_VIEWS:
        raise Conflict(f"a list has at most {MOST_VIEWS} views")
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
    """Let the list open with a view, in place of the one before, or no longer do so."""
    same_owner = saved_views.c.owner_id.is_not_distinct_from(view.owner_id)
    of_list = sa.and_(
        saved_views.c.project_id == project_id, saved_views.c.list == view.list, same_owner
    )
    is_it = sa.and_(saved_views.c.view_id == view.view_id, sa.literal(default))
    db.session.execute(sa.update(saved_views).where(of_list).values(is_default=is_it))


def move_view(project_id: str, view: SavedView, reader_id: str, by: int) -> None:
    """Move a view before (-1) or after (1) its neighbour of the same owner."""
    views = [
        other
        for other in list_views(project_id, view.list, reader_id)
        if other.owner_id == view.owner_id
    ]
    position = [other.view_id for other in views].index(view.view_id)
    views.insert(max(0, position + by), views.pop(position))
    for number, other in enumerate(views):
        db.session.execute(
            sa.update(saved_views).where(_is(project_id, other)).values(position=number)
        )


def delete_view(project_id: str, view: SavedView) -> None:
    """Delete a view."""
    db.session.execute(sa.delete(saved_views).where(_is(project_id, view)))


def _is(project_id: str, view: SavedView) -> sa.ColumnElement[bool]:
    return sa.and_(saved_views.c.project_id == project_id, saved_views.c.view_id == view.view_id)


def _visible(reader_id: str) -> sa.ColumnElement[bool]:
    return sa.or_(saved_views.c.owner_id.is_(None), saved_views.c.owner_id == reader_id)
