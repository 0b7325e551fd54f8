"""Answers about annotations: bookmarks, tags, comments, share links, deletes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tracer.store.annotations.bookmarks import Bookmark
from tracer.store.annotations.comments import CommentRow
from tracer.store.annotations.shares import ShareRow
from tracer.store.writing.delete import Contents
from tracer.times import json_time, json_time_or_none
from tracer.web.answers.traces import Time


class Bookmarked(msgspec.Struct, kw_only=True):
    """Whether a trace or session is bookmarked."""

    bookmarked: bool
    author: Annotated[str | None, Meta(description="its author, if known")]
    time: Time | None


class Tags(msgspec.Struct, kw_only=True):
    """The tags of a trace, as edited."""

    tags: list[str]


class Revision(msgspec.Struct, kw_only=True):
    """A text that a comment had before an edit, and the time since when it had it."""

    text: str
    time: Time


class Comment(msgspec.Struct, kw_only=True):
    """A comment on a trace, a span or a session."""

    id: str
    trace_id: str | None
    span_id: str | None
    session_id: str | None
    text: Annotated[str, Meta(description="markdown")]
    author: str | None
    time: Time
    edited_at: Time | None
    history: Annotated[list[Revision], Meta(description="former texts, oldest first")]


class Comments(msgspec.Struct, kw_only=True):
    """The comments of a trace or session, oldest first; at most 500."""

    data: list[Comment]


class Share(msgspec.Struct, kw_only=True):
    """A share link without its token."""

    id: str
    trace_id: str | None
    session_id: str | None
    hint: Annotated[str, Meta(description="the last characters of its token")]
    show_comments: bool
    author: str | None
    time: Time
    expires_at: Annotated[Time | None, Meta(description="null: never")]
    revoked_at: Annotated[Time | None, Meta(description="null: it is not revoked")]


class NewShare(Share, kw_only=True):
    """A new share link with its URL, which is returned only once."""

    url: Annotated[str, Meta(description="its URL, which can't be read again")]


class Shares(msgspec.Struct, kw_only=True):
    """The share links of a trace or session, newest first, expired and revoked ones included."""

    data: list[Share]


class Deleted(msgspec.Struct, kw_only=True):
    """The numbers of objects that a delete removes."""

    deleted: Annotated[bool, Meta(description="false: a preview (dry_run)")]
    traces: int
    spans: int
    scores: int
    comments: int
    shares: int


class Removed(msgspec.Struct, kw_only=True):
    """The confirmation of a removal."""

    id: str
    deleted: bool


def bookmarked(row: Bookmark | None) -> Bookmarked:
    """Return the answer for a bookmark; None: there is none."""
    if row is None:
        return Bookmarked(bookmarked=False, author=None, time=None)
    return Bookmarked(bookmarked=True, author=row.author, time=json_time(row.created_at))


def comment(row: CommentRow) -> Comment:
    """Return the answer for a comment."""
    return Comment(
        id=row.comment_id,
        trace_id=row.trace_id,
        span_id=row.span_id,
        session_id=row.session_id,
        text=row.text,
        author=row.author,
        time=json_time(row.created_at),
        edited_at=json_time_or_none(row.edited_at),
        history=[
            Revision(text=revision.text, time=json_time(revision.time)) for revision in row.history
        ],
    )


def share(row: ShareRow) -> Share:
    """Return the answer for a share link."""
    return Share(
        id=row.share_id,
        trace_id=row.trace_id,
        session_id=row.session_id,
        hint=row.hint,
        show_comments=row.show_comments,
        author=row.author,
        time=json_time(row.created_at),
        expires_at=json_time_or_none(row.expires_at),
        revoked_at=json_time_or_none(row.revoked_at),
    )


def deleted(contents: Contents, *, done: bool) -> Deleted:
    """Return the answer for a delete; ``done`` False: a preview of it."""
    counts = {name: getattr(contents, name) for name in Contents.__dataclass_fields__}
    return Deleted(deleted=done, **counts)
