"""Keyset pages: opaque cursors that carry the sort key of a row, in microseconds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from tracer.errors import Invalid
from tracer.times import from_micros, to_micros

T = TypeVar("T")


class BadCursor(Invalid):
    """The cursor was not issued by this server."""


class Key(NamedTuple):
    """The decoded cursor: time and id of the row at the page's edge, and the reading direction."""

    forward: bool
    time: datetime
    row_id: str


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows in display order, and the cursors of the pages before and after (None: no more).

    In lists that run newest first `older` is the next page; in those that run oldest first
    `newer` is.
    """

    items: list[T]
    older: str | None
    newer: str | None
    read: int | None = None
    """Number of rows that were read for a page that ended before it was full, because more would
    have taken too long: `older` goes on behind them. None: the page is whole."""


def encode_cursor(forward: bool, time: datetime, row_id: str) -> str:
    """Return an opaque, URL-safe cursor."""
    raw = msgspec.json.encode([forward, to_micros(time), row_id])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> Key:
    """Return the `Key` that `encode_cursor` encoded; raises BadCursor for any other text."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        forward, micros, row_id = msgspec.json.decode(raw, type=tuple[bool, int, str])
        if "\x00" in row_id:
            raise ValueError("stored ids contain no NUL")
        return Key(forward, from_micros(micros), row_id)
    except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError):
        raise BadCursor("this cursor was not made by this server") from None


def cut_page(
    rows: Sequence[T],
    limit: int,
    key: Key | None,
    of: Callable[[T], tuple[Any, str]],
) -> tuple[list[T], str | None, str | None]:
    """Cut `limit` + 1 fetched rows to a page; return (page in display order, previous, next).

    `rows` are in the direction of `key`; `of` returns a row's (time, id). The cursors are None
    where no page precedes or follows.
    """
    more = len(rows) > limit
    page = list(rows[:limit])
    backward = key is not None and not key.forward
    if backward:
        page.reverse()
    if not page:
        return [], None, None
    has_previous = more if backward else key is not None
    has_next = True if backward else more
    previous = encode_cursor(False, *of(page[0])) if has_previous else None
    following = encode_cursor(True, *of(page[-1])) if has_next else None
    return page, previous, following
