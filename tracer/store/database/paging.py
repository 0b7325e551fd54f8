"""Keyset pages: opaque cursors that carry the sort key of a row, to the microsecond."""

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
    """A cursor that this server did not make."""


class Key(NamedTuple):
    """Where a page ends: the row's time, its id, and which way the page goes on."""

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


def encode_cursor(forward: bool, time: datetime, row_id: str) -> str:
    """Return an opaque, URL-safe cursor."""
    raw = msgspec.json.encode([forward, to_micros(time), row_id])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> Key:
    """Return what `encode_cursor` was given; raises BadCursor for anything else."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        forward, micros, row_id = msgspec.json.decode(raw, type=tuple[bool, int, str])
        if "\x00" in row_id:
            raise ValueError("no stored id has a NUL in it")
        return Key(forward, from_micros(micros), row_id)
    except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError):
        raise BadCursor("this cursor was not made by this server") from None


def cut_page(
    rows: Sequence[T],
    limit: int,
    key: Key | None,
    of: Callable[[T], tuple[Any, str]],
) -> tuple[list[T], str | None, str | None]:
    """Cut `limit` + 1 fetched rows to a page in display order, with (previous, next) cursors.

    `rows` run in the direction of `key`; `of` gives a row's (time, id).
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
