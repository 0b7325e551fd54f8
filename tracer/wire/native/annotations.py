"""The requests that mark traces and sessions: tags, comments, public links."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.wire.clean import clean
from tracer.wire.native.requests import Id, Label, Maybe, Request, Time, as_utc

MarkText = Annotated[str, Meta(min_length=1, max_length=10_000, description="markdown")]
Name = Annotated[str, Meta(max_length=80, description="who says it")]


class TagEdit(Request, kw_only=True):
    """What changes about the tags of a trace; what the application says later undoes none of it."""

    add: Annotated[list[Annotated[Label, Meta(min_length=1)]], Meta(max_length=50)] = msgspec.field(
        default_factory=list
    )
    remove: Annotated[list[Label], Meta(max_length=50)] = msgspec.field(default_factory=list)
    author: Name = ""

    def edits(self) -> dict[str, bool]:
        """Return tag to whether it is to be there."""
        changes = dict.fromkeys(self.remove, False) | dict.fromkeys(self.add, True)
        return {clean(tag)[0]: there for tag, there in changes.items()}


class CommentCreate(Request, kw_only=True):
    """A comment on a trace, on a span (with its trace) or on a session."""

    text: MarkText
    trace_id: Id | UnsetType = UNSET
    span_id: Id | UnsetType = UNSET
    session_id: Id | UnsetType = UNSET
    author: Name = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.trace_id is UNSET) == (self.session_id is UNSET):
            raise ValueError("trace_id: expected either trace_id or session_id")
        if self.span_id is not UNSET and self.trace_id is UNSET:
            raise ValueError("trace_id: expected the trace of the span, got nothing")


class CommentUpdate(Request, kw_only=True):
    """What a comment is to say; what it said is kept in its history."""

    text: MarkText


class ShareCreate(Request, kw_only=True):
    """A public link to a trace or session."""

    expires_at: Annotated[Maybe[Time], Meta(description="absent: when it is revoked")] = UNSET
    show_comments: bool = False
    author: Name = ""

    def expiry(self) -> datetime | None:
        """Return when the link ends, None: never by itself."""
        return as_utc(self.expires_at, "expires_at") if self.expires_at else None


class DeleteQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to delete."""

    dry_run: Annotated[bool, Meta(description="only say what would go")] = False


def cleaned(text: str) -> str:
    """Return text that the database can hold."""
    return str(clean(text)[0])


def said_id(value: str | msgspec.UnsetType) -> str:
    """Return an id, empty where none was sent."""
    return "" if value is UNSET else str(value)
