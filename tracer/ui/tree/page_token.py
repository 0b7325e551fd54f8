"""A stretch of one parent's children: what a page of rows is of its level, in an opaque token."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from tracer.errors import Invalid
from tracer.store.database.paging import Key
from tracer.store.traces.span_tree import Children
from tracer.times import from_micros, to_micros

_UNREADABLE: Final = "A page of rows can't be read. Reload the page."

Place = tuple[int, str]
"""A row's place in its level: µs since the epoch, and its id."""


class _Wire(msgspec.Struct, array_like=True):
    parent_id: str | None
    depth: int
    after: Place | None
    inclusive: bool
    until: Place | None
    folds: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``after`` (with it where ``inclusive``) to ``until`` (with it); None: no such edge."""

    parent_id: str | None
    depth: int
    after: Key | None = None
    inclusive: bool = False
    until: Key | None = None
    folds: bool = False
    """Runs of like rows are one row each, as they were when the page was made."""

    @classmethod
    def of(cls, page: Children, depth: int, folds: bool) -> Stretch:
        """Return what ``page`` is of its level."""
        after = None
        if page.earlier is not None and page.rows:
            after = Key(True, page.rows[0].start_time, page.rows[0].span_id)
        first = cls(page.parent_id, depth, after, after is not None, folds=folds)
        return first.ended_at(page)

    @classmethod
    def parse(cls, token: str) -> Stretch:
        """Return the stretch that ``token`` tells; raises Invalid for anything else."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            told = msgspec.json.decode(raw, type=_Wire)
            edges = _key(told.after), told.inclusive, _key(told.until)
        except (ValueError, OverflowError, msgspec.DecodeError):
            raise Invalid(_UNREADABLE) from None
        parts = [told.parent_id, *(place[1] for place in (told.after, told.until) if place)]
        # No stored id has a NUL in it.
        if any("\x00" in part for part in parts if part):
            raise Invalid(_UNREADABLE)
        return cls(told.parent_id, told.depth, *edges, told.folds)

    @property
    def token(self) -> str:
        """Return the stretch for an address."""
        raw = msgspec.json.encode(
            _Wire(
                self.parent_id,
                self.depth,
                _place(self.after),
                self.inclusive,
                _place(self.until),
                self.folds,
            )
        )
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @property
    def id(self) -> str:
        """The id of its element, which stays the same while it grows, and needs no escaping."""
        begin = msgspec.json.encode((self.parent_id, _place(self.after)))
        return f"p-{hashlib.blake2s(begin, digest_size=6).hexdigest()}"

    def begun_after(self, time: datetime, row_id: str) -> Stretch:
        """Return the stretch that begins behind a row of the page before."""
        return replace(self, after=Key(True, time, row_id), inclusive=False)

    def within(self, end: Key) -> Stretch:
        """Return the stretch that ends with a row, unless it ends before."""
        return self if self.until is not None else replace(self, until=end)

    def ended_at(self, page: Children) -> Stretch:
        """Return the stretch that ends with ``page`` where more rows follow on another."""
        if page.later is None:
            return self
        last = page.rows[-1]
        return replace(self, until=Key(True, last.start_time, last.span_id))


def _place(key: Key | None) -> Place | None:
    return (to_micros(key.time), key.row_id) if key else None


def _key(place: Place | None) -> Key | None:
    return None if place is None else Key(True, from_micros(place[0]), place[1])
