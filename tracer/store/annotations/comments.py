"""Comments on traces, their spans and sessions, with the former texts of edited ones."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import Unstorable
from tracer.extensions import db
from tracer.store.annotations.subjects import Author, Subject, lock_subject
from tracer.store.database.conditions import between
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import comments

MAX_COMMENTS: Final = 500
"""Number of comments listed per trace or session."""
MAX_CHARACTERS: Final = 10_000
MAX_EDITS: Final = 100


@dataclass(frozen=True, slots=True)
class Revision:
    """A former text of a comment, and the time at which the comment got it."""

    text: str
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentRow:
    """A comment; `history` holds its former texts, the oldest first."""

    comment_id: str
    trace_id: str | None
    session_id: str | None
    span_id: str | None
    text: str
    history: list[Revision]
    author: str | None
    author_id: str | None
    created_at: datetime
    edited_at: datetime | None


def list_comments(subject: Subject) -> list[CommentRow]:
    """Return the comments on a trace or session, oldest first, at most MAX_COMMENTS.

    Comments on spans are listed with their trace; a subject with a span lists only that span's.
    """
    query = sa.select(*_COLUMNS).where(subject.on(comments))
    if subject.span_id is not None:
        query = query.where(comments.c.span_id == subject.span_id)
    order = comments.c.created_at, comments.c.comment_id
    return [
        _row(row)
        for row in db.session.execute(query.order_by(*order).limit(MAX_COMMENTS)).mappings()
    ]


def page_comments(
    project_id: str,
    *,
    on: str | None,
    object_id: str | None,
    author_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    offset: int,
) -> tuple[list[CommentRow], int]:
    """Return (comments of the whole project, the oldest first; the number of all of them).

    `on` is trace, observation (a span) or session; None: any subject. Other values match nothing.
    """
    conditions = [comments.c.project_id == project_id]
    if on is not None:
        subject = {
            "trace": (comments.c.trace_id, sa.and_(comments.c.trace_id != "", _NO_SPAN)),
            "observation": (comments.c.span_id, comments.c.span_id.is_not(None)),
            "session": (comments.c.session_id, comments.c.session_id != ""),
        }.get(on, (comments.c.comment_id, sa.false()))
        conditions.append(subject[1])
        if object_id is not None:
            conditions.append(subject[0] == object_id)
    if author_id is not None:
        conditions.append(sa.or_(comments.c.author_id == author_id, comments.c.author == author_id))
    conditions += between(comments.c.created_at, since, until)
    query = sa.select(*_COLUMNS).where(*conditions)
    query = query.order_by(comments.c.created_at, comments.c.comment_id)
    rows, total = numbered_page(query, limit, offset)
    return [_row(row) for row in rows], total


def get_comment(project_id: str, comment_id: str) -> CommentRow | None:
    """Return a comment; None: there is none of this id in the project."""
    query = sa.select(*_COLUMNS).where(*_is(project_id, comment_id))
    row = db.session.execute(query).mappings().one_or_none()
    return None if row is None else _row(row)


def create_comment(
    subject: Subject,
    text: str,
    author: Author,
    comment_id: str | None = None,
    created_at: datetime | None = None,
) -> CommentRow:
    """Add a comment; `created_at` None: now. Raises NotFound."""
    values: dict[str, Any] = {
        **subject.key(),
        **author.values(),
        "comment_id": comment_id or secrets.token_hex(16),
        "span_id": subject.span_id,
        "text": text,
    }
    if created_at is not None:
        values["created_at"] = created_at
    lock_subject(subject)
    query = sa.insert(comments).values(values).returning(*_COLUMNS)
    return _row(db.session.execute(query).mappings().one())


def edit_comment(project_id: str, comment_id: str, text: str) -> CommentRow | None:
    """Replace the text of a comment and keep the former text; None: there is no such comment.

    Raises Unstorable.
    """
    query = sa.select(*_COLUMNS).where(*_is(project_id, comment_id)).with_for_update()
    comment = db.session.execute(query).mappings().one_or_none()
    if comment is None or comment["text"] == text:
        return None if comment is None else _row(comment)
    if len(comment["history"]) >= MAX_EDITS:
        reason = f"this comment was edited {MAX_EDITS} times: write a new one"
        raise Unstorable.of_field("", reason)
    since = comment["edited_at"] or comment["created_at"]
    values = {
        "text": text,
        "history": [*comment["history"], {"text": comment["text"], "time": since.isoformat()}],
        "edited_at": sa.func.clock_timestamp(),
    }
    changed = sa.update(comments).where(*_is(project_id, comment_id)).values(values)
    row = db.session.execute(changed.returning(*_COLUMNS)).mappings().one()
    return _row(row)


def delete_comment(project_id: str, comment_id: str) -> bool:
    """Delete a comment with its history; return whether it existed."""
    query = sa.delete(comments).where(*_is(project_id, comment_id))
    deleted = db.session.execute(query.returning(comments.c.comment_id)).one_or_none()
    return deleted is not None


_NO_SPAN = comments.c.span_id.is_(None)
_COLUMNS = [comments.c[name] for name in CommentRow.__dataclass_fields__]


def _is(project_id: str, comment_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return comments.c.project_id == project_id, comments.c.comment_id == comment_id


def _row(row: sa.RowMapping) -> CommentRow:
    values: dict[str, Any] = dict(row)
    values["trace_id"], values["session_id"] = row["trace_id"] or None, row["session_id"] or None
    values["history"] = [
        Revision(revision["text"], datetime.fromisoformat(revision["time"]))
        for revision in row["history"]
    ]
    return CommentRow(**values)
