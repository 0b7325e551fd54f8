"""Comments on traces, their spans and sessions; what one said before an edit is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import Unstorable
from tracer.extensions import db
from tracer.store.annotations.subjects import Author, Subject, lock_subject
from tracer.store.database.numbered import numbered_page
from tracer.store.schema import comments

MOST: Final = 500
"""Comments of one trace or session that are listed."""
MOST_CHARACTERS: Final = 10_000
MOST_EDITS: Final = 100


@dataclass(frozen=True, slots=True)
class Revision:
    """What a comment said until it was edited, and since when."""

    text: str
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentRow:
    """A comment; `history` holds what it said before, the oldest first."""

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
    """Return the comments on a trace or session, oldest first, at most MOST.

    Those on spans come with their trace's; where the subject names a span, its own alone.
    """
    query = sa.select(*_COLUMNS).where(subject.on(comments))
    if subject.span_id is not None:
        query = query.where(comments.c.span_id == subject.span_id)
    order = comments.c.created_at, comments.c.comment_id
    return [_row(row) for row in db.session.execute(query.order_by(*order).limit(MOST)).mappings()]


def page_comments(
    project_id: str,
    *,
    on: str | None,
    object_id: str | None,
    author_id: str | None,
    limit: int,
    offset: int,
) -> tuple[list[CommentRow], int]:
    """Return comments of a whole project, newest first, and how many there are in all.

    `on` is trace, observation (a span) or session; None: anything. No other word has any.
    """
    wanted = [comments.c.project_id == project_id]
    if on is not None:
        place = {
            "trace": (comments.c.trace_id, sa.and_(comments.c.trace_id != "", _NO_SPAN)),
            "observation": (comments.c.span_id, comments.c.span_id.is_not(None)),
            "session": (comments.c.session_id, comments.c.session_id != ""),
        }.get(on, (comments.c.comment_id, sa.false()))
        wanted.append(place[1])
        if object_id is not None:
            wanted.append(place[0] == object_id)
    if author_id is not None:
        wanted.append(sa.or_(comments.c.author_id == author_id, comments.c.author == author_id))
    query = sa.select(*_COLUMNS).where(*wanted)
    query = query.order_by(comments.c.created_at.desc(), comments.c.comment_id)
    rows, total = numbered_page(query, limit, offset)
    return [_row(row) for row in rows], total


def get_comment(project_id: str, comment_id: str) -> CommentRow | None:
    """Return a comment, or None."""
    query = sa.select(*_COLUMNS).where(*_is(project_id, comment_id))
    row = db.session.execute(query).mappings().one_or_none()
    return None if row is None else _row(row)


def create_comment(
    subject: Subject, text: str, author: Author, comment_id: str | None = None
) -> CommentRow:
    """Add a comment; raises NotFound."""
    values = {
        **subject.key(),
        **author.values(),
        "comment_id": comment_id or secrets.token_hex(16),
        "span_id": subject.span_id,
        "text": text,
    }
    lock_subject(subject)
    query = sa.insert(comments).values(values).returning(*_COLUMNS)
    return _row(db.session.execute(query).mappings().one())


def edit_comment(project_id: str, comment_id: str, text: str) -> CommentRow | None:
    """Replace what a comment says, and keep what it said; None: there is no such comment.

    Raises Unstorable.
    """
    query = sa.select(*_COLUMNS).where(*_is(project_id, comment_id)).with_for_update()
    found = db.session.execute(query).mappings().one_or_none()
    if found is None or found["text"] == text:
        return None if found is None else _row(found)
    if len(found["history"]) >= MOST_EDITS:
        reason = f"this comment was edited {MOST_EDITS} times: write a new one"
        raise Unstorable.of_field("", reason)
    since = found["edited_at"] or found["created_at"]
    values = {
        "text": text,
        "history": [*found["history"], {"text": found["text"], "time": since.isoformat()}],
        "edited_at": sa.func.clock_timestamp(),
    }
    changed = sa.update(comments).where(*_is(project_id, comment_id)).values(values)
    row = db.session.execute(changed.returning(*_COLUMNS)).mappings().one()
    return _row(row)


def delete_comment(project_id: str, comment_id: str) -> bool:
    """Delete a comment with its history; return whether there was one."""
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
        Revision(one["text"], datetime.fromisoformat(one["time"])) for one in row["history"]
    ]
    return CommentRow(**values)
