"""Requests for annotations of traces and sessions: tags, comments, public links."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.wire.clean import clean
from tracer.wire.native.requests import Id, Label, Maybe, Request, Time, utc_field

MarkText = Annotated[str, Meta(min_length=1, max_length=10_000, description="markdown")]
Name = Annotated[str, Meta(max_length=80, description="the author")]


class TagEdit(Request, kw_only=True):
    """A change of a trace's tags, which tags sent later by the application don't override."""

    add: Annotated[list[Annotated[Label, Meta(min_length=1)]], Meta(max_length=50)] = msgspec.field(
        default_factory=list
    )
    remove: Annotated[list[Label], Meta(max_length=50)] = msgspec.field(default_factory=list)
    author: Name = ""

    def edits(self) -> dict[str, bool]:
        """Return by tag whether it is added (True) or removed."""
        changes = dict.fromkeys(self.remove, False) | dict.fromkeys(self.add, True)
        return {clean(tag)[0]: there for tag, there in changes.items()}


class CommentCreate(Request, kw_only=True):
    """A comment on a trace, on a span (with its trace) or on a session."""

    text: MarkText
    trace_id: Id | UnsetType = UNSET
    span_id: Id | UnsetType = UNSET
    session_id: Id | UnsetType = UNSET
    author: Name = ""
    id: Annotated[Id | UnsetType, Meta(description="a comment of this id is kept as it is")] = UNSET
    time: Annotated[Maybe[Time], Meta(description="when it was written; absent: now")] = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.trace_id is UNSET) == (self.session_id is UNSET):
            raise ValueError("trace_id: expected either trace_id or session_id")
        if self.span_id is not UNSET and self.trace_id is UNSET:
            raise ValueError("trace_id: expected the trace of the span, got nothing")

    def creation(self) -> datetime | None:
        """Return the time at which it was written; None: now."""
        return utc_field(self.time, "time") if self.time else None


class CommentUpdate(Request, kw_only=True):
    """The new text of a comment; the old one stays in its history."""

    text: MarkText


class ShareCreate(Request, kw_only=True):
    """A public link to a trace or session."""

    expires_at: Annotated[Maybe[Time], Meta(description="absent: when it is revoked")] = UNSET
    show_comments: bool = False
    author: Name = ""

    def expiry(self) -> datetime | None:
        """Return the time at which the link expires; None: never."""
        return utc_field(self.expires_at, "expires_at") if self.expires_at else None


class DeleteQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How to delete."""

    dry_run: Annotated[bool, Meta(description="only return what would be deleted")] = False


def cleaned(text: str) -> str:
    """Return text that the database can store."""
    return str(clean(text)[0])


def optional_id(value: str | msgspec.UnsetType) -> str:
    """Return an id; empty: none was sent."""
    return "" if value is UNSET else str(value)
