"""Bookmarks of traces and sessions: at most one each, shared by all visitors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.store.annotations.subjects import Author, Subject, lock_subject
from tracer.store.schema import bookmarks


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The bookmark of a trace or session: its author and time."""

    author: str | None
    created_at: datetime


def get_bookmark(subject: Subject) -> Bookmark | None:
    """Return the bookmark of a trace or session; None: it has none."""
    query = sa.select(bookmarks.c.author, bookmarks.c.created_at).where(subject.on(bookmarks))
    row = db.session.execute(query).one_or_none()
    return Bookmark(*row) if row else None


def set_bookmark(subject: Subject, *, present: bool, author: Author | None = None) -> None:
    """Set (`present`) or remove a bookmark; an existing bookmark keeps its author and time.

    Raises NotFound.
    """
    lock_subject(subject)
    if present:
        values = {**subject.key(), **(author or Author()).values()}
        db.session.execute(insert(bookmarks).values(values).on_conflict_do_nothing())
    else:
        db.session.execute(sa.delete(bookmarks).where(subject.on(bookmarks)))
