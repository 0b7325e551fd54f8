"""Keyset pages: opaque cursors that carry the sort key of a row, to the microsecond."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadCursor(ValueError):
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


def to_micros(time: datetime) -> int:
    """Return microseconds since the epoch, exactly (a float would lose the last digits)."""
    return (time - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the UTC time of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=micros)


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


def iso(micros: int) -> str:
    """Return a time as PostgreSQL and JSON read it."""
    return f"{_second(micros // 1_000_000)}.{micros % 1_000_000:06}+00:00"


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    # The spans of a batch share few seconds, and formatting a time is dear.
    return from_micros(seconds * 1_000_000).isoformat()[:19]
