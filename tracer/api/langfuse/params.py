"""Query strings in the format of Langfuse's clients: repeated names, page numbers, JSON filters."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from flask import request
from msgspec import Meta

from tracer.errors import Invalid
from tracer.wire.langfuse.times import read_sent
from tracer.wire.native.requests import Time, as_utc

Q = TypeVar("Q", bound="Query")

Page = Annotated[int, Meta(ge=1, le=1_000_000)]
Limit = Annotated[int, Meta(ge=1, le=100)]
Texts = Annotated[list[str], Meta(max_length=100)]
Filter = Annotated[str, Meta(description="JSON: a list of {type, column, operator, value, key}")]


class Query(msgspec.Struct, kw_only=True, rename="camel"):
    """Base of all queries: times get a time zone."""

    def __post_init__(self) -> None:
        for name, sent in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            value = getattr(self, name)
            if isinstance(value, datetime):
                setattr(self, name, as_utc(value, sent))


class PageQuery(Query, kw_only=True):
    """A numbered page of a list."""

    page: Page = 1
    limit: Limit = 50

    @property
    def offset(self) -> int:
        """Number of rows before the page."""
        return (self.page - 1) * self.limit


class TimesQuery(PageQuery, kw_only=True):
    """A numbered page of what was created, or began, in a range of time."""

    from_timestamp: Time | None = None
    to_timestamp: Annotated[Time | None, Meta(description="exclusive")] = None


class Paged(Protocol):
    """A query for a numbered page."""

    page: int
    limit: int


class PageMeta(msgspec.Struct, kw_only=True, rename="camel"):
    """The position of a page in its list."""

    page: int
    limit: int
    total_items: int
    total_pages: int


def page_meta(query: Paged, total: int) -> PageMeta:
    """Return the position of the query's page in a list of ``total`` rows."""
    pages = -(-total // query.limit)
    return PageMeta(page=query.page, limit=query.limit, total_items=total, total_pages=pages)


def read_params(kind: type[Q]) -> Q:
    """Return the query string as a ``kind``; unknown parameters are ignored.

    Of a repeated parameter that is no list, the last value is used. Raises Invalid.
    """
    hints = get_type_hints(kind, include_extras=True)
    names = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
    sent: dict[str, Any] = {}
    for name, values in request.args.lists():
        if name in names:
            sent[name] = values if _is_list(hints[names[name]]) else values[-1]
        else:
            sent[name] = values[-1]
    # An empty filter means no filter.
    return read_sent(
        {name: value for name, value in sent.items() if value != ""}, kind, strict=False
    )


def _is_list(hint: Any) -> bool:
    if get_origin(hint) is list:
        return True
    return any(_is_list(part) for part in get_args(hint) if not isinstance(part, Meta))


def groups_of(fields: str | None, known: tuple[str, ...]) -> frozenset[str]:
    """Return the requested groups of fields; None: all; unknown names are ignored."""
    if fields is None:
        return frozenset(known)
    return frozenset(name.strip() for name in fields.split(",")) & frozenset(known)


def split(value: str | None) -> list[str]:
    """Return the parts of a comma-separated list."""
    return [part for part in (value or "").split(",") if part]


def encode_cursor(*parts: Any) -> str:
    """Return an opaque cursor that encodes these values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: Any) -> Any:
    """Return the values of a cursor as a ``kind``; raises Invalid: not issued by this server."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw, type=kind)
        if any(isinstance(part, str) and "\x00" in part for part in values):
            raise ValueError("stored ids contain no NUL")
        return values
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise Invalid("Invalid cursor format: this server made no such cursor") from None
