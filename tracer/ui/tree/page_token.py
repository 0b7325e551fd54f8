"""Page token of the tree: which part of one parent's children a page of rows shows."""

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

Position = tuple[int, str]
"""The position of a row in its level: start time in µs since the epoch, and span id."""


class _Wire(msgspec.Struct, array_like=True):
    parent_id: str | None
    depth: int
    after: Position | None
    inclusive: bool
    until: Position | None
    folds: bool
    lens: str = ""


@dataclass(frozen=True, slots=True)
class PageToken:
    """The children from ``after`` (included if ``inclusive``) to ``until`` (included).

    None: the page has no such edge.
    """

    parent_id: str | None
    depth: int
    after: Key | None = None
    inclusive: bool = False
    until: Key | None = None
    folds: bool = False
    """Sibling groups are one row each, as when the page was made."""
    lens: str = ""
    """The lens of which it is a page; "": of a level of the tree."""

    @classmethod
    def of(cls, page: Children, depth: int, folds: bool, lens: str = "") -> PageToken:
        """Return the token of ``page``."""
        after = None
        if page.earlier is not None and page.rows:
            after = Key(True, page.rows[0].start_time, page.rows[0].span_id)
        token = cls(page.parent_id, depth, after, after is not None, folds=folds, lens=lens)
        return token.ended_at(page)

    @classmethod
    def parse(cls, text: str) -> PageToken:
        """Return the token that `text` made; raises Invalid for any other text."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            wire = msgspec.json.decode(raw, type=_Wire)
            edges = _key(wire.after), wire.inclusive, _key(wire.until)
        except (ValueError, OverflowError, msgspec.DecodeError):
            raise Invalid(_UNREADABLE) from None
        ids = [wire.parent_id, *(edge[1] for edge in (wire.after, wire.until) if edge)]
        # PostgreSQL can't compare with NUL, and no stored id contains it.
        if any("\x00" in span_id for span_id in ids if span_id):
            raise Invalid(_UNREADABLE)
        return cls(wire.parent_id, wire.depth, *edges, wire.folds, wire.lens)

    @property
    def text(self) -> str:
        """The token as it is sent in an address."""
        raw = msgspec.json.encode(
            _Wire(
                self.parent_id,
                self.depth,
                _position(self.after),
                self.inclusive,
                _position(self.until),
                self.folds,
                self.lens,
            )
        )
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @property
    def id(self) -> str:
        """The id of the page's element: it stays the same while the page grows."""
        # A hash, so that it needs no escaping.
        begin = msgspec.json.encode((self.parent_id, _position(self.after)))
        return f"p-{hashlib.blake2s(begin, digest_size=6).hexdigest()}"

    def begun_after(self, time: datetime, row_id: str) -> PageToken:
        """Return the token of the page that begins after a row of the previous page."""
        return replace(self, after=Key(True, time, row_id), inclusive=False)

    def within(self, end: Key) -> PageToken:
        """Return the token of the page that ends with a row, unless it ends earlier."""
        return self if self.until is not None else replace(self, until=end)

    def ended_at(self, page: Children) -> PageToken:
        """Return the token that ends with the last row of ``page``, if another page follows."""
        if page.later is None:
            return self
        last = page.rows[-1]
        return replace(self, until=Key(True, last.start_time, last.span_id))


def _position(key: Key | None) -> Position | None:
    return (to_micros(key.time), key.row_id) if key else None


def _key(position: Position | None) -> Key | None:
    return None if position is None else Key(True, from_micros(position[0]), position[1])
