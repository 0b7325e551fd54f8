"""What the API answers of marks: bookmarks, tags, comments, links, deletes."""

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
    author: Annotated[str | None, Meta(description="who set it, where that is known")]
    time: Time | None


class Tags(msgspec.Struct, kw_only=True):
    """The tags of a trace, as edited."""

    tags: list[str]


class Revision(msgspec.Struct, kw_only=True):
    """What a comment said, and since when."""

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
    history: Annotated[list[Revision], Meta(description="what it said before, oldest first")]


class Comments(msgspec.Struct, kw_only=True):
    """The comments of a trace or session, oldest first; at most 500."""

    data: list[Comment]


class Share(msgspec.Struct, kw_only=True):
    """A public link, but for its token."""

    id: str
    trace_id: str | None
    session_id: str | None
    hint: Annotated[str, Meta(description="the end of its token")]
    show_comments: bool
    author: str | None
    time: Time
    expires_at: Annotated[Time | None, Meta(description="null: never")]
    revoked_at: Annotated[Time | None, Meta(description="null: it is not revoked")]


class NewShare(Share, kw_only=True):
    """A public link that was made just now."""

    url: Annotated[str, Meta(description="where it leads: can't be read again")]


class Shares(msgspec.Struct, kw_only=True):
    """The links to a trace or session, dead ones included, newest first."""

    data: list[Share]


class Deleted(msgspec.Struct, kw_only=True):
    """What a delete takes away."""

    deleted: Annotated[bool, Meta(description="false: this was asked for with dry_run")]
    traces: int
    spans: int
    scores: int
    comments: int
    shares: int


class Removed(msgspec.Struct, kw_only=True):
    """That something is gone."""

    id: str
    deleted: bool


def bookmarked(row: Bookmark | None) -> Bookmarked:
    """Return whether there is a bookmark, and whose."""
    if row is None:
        return Bookmarked(bookmarked=False, author=None, time=None)
    return Bookmarked(bookmarked=True, author=row.author, time=json_time(row.created_at))


def comment(row: CommentRow) -> Comment:
    """Return a comment as the API has it."""
    return Comment(
        id=row.comment_id,
        trace_id=row.trace_id,
        span_id=row.span_id,
        session_id=row.session_id,
        text=row.text,
        author=row.author,
        time=json_time(row.created_at),
        edited_at=json_time_or_none(row.edited_at),
        history=[Revision(text=one.text, time=json_time(one.time)) for one in row.history],
    )


def share(row: ShareRow) -> Share:
    """Return a link as the API has it."""
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
    """Return what a delete took away, or would."""
    counts = {name: getattr(contents, name) for name in Contents.__dataclass_fields__}
    return Deleted(deleted=done, **counts)
