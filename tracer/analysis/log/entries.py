"""The entries of a trace's log: its spans and their events, in the order of time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from itertools import starmap
from typing import Final, NamedTuple

import msgspec
import zstandard

from tracer.records import Json

PAGE: Final = 256
"""Entries that are stored, and so read, together."""
SPAN: Final = -1
"""The number of an entry that is a span and no event of one."""
_pack: Final = msgspec.msgpack.Encoder().encode


class Entry(NamedTuple):
    """A span where it starts, or an event of it where it happens; they sort by time."""

    time: int
    """Microseconds since the epoch."""
    span_id: str
    event: int = SPAN
    """Which of the span's events."""


def pack_page(entries: Sequence[Entry]) -> bytes:
    """Return the entries of one page as bytes."""
    columns = [list(column) for column in zip(*entries, strict=True)]
    return zstandard.compress(_pack(columns))


def unpack_page(body: bytes) -> list[Entry]:
    """Return what `pack_page` was given."""
    columns = msgspec.msgpack.decode(zstandard.decompress(body))
    return list(starmap(Entry, zip(*columns, strict=True)))


def pack_times(times: Sequence[int]) -> bytes:
    """Return times as eight bytes each."""
    return array("q", times).tobytes()


def unpack_times(packed: bytes) -> array[int]:
    """Return what `pack_times` was given."""
    return array("q", packed)


def event_time(event: Json, start: int) -> int:
    """Return when an event happened (µs); where it doesn't say so, when its span began."""
    told = event.get("time") if isinstance(event, dict) else None
    if isinstance(told, str):
        try:
            time = datetime.fromisoformat(told)
            return round(time.timestamp() * 1_000_000) if time.tzinfo else start
        except (ValueError, OverflowError):
            pass
    return start


def event_level(event: Json) -> str:
    """Return the level of an event: an exception is an error, others may say theirs."""
    if not isinstance(event, dict):
        return "default"
    if event.get("name") == "exception":
        return "error"
    attributes = event.get("attributes")
    told = event.get("level") or (isinstance(attributes, dict) and attributes.get("level"))
    word = told.lower() if isinstance(told, str) else ""
    return {"warn": "warning", "fatal": "error", "info": "default"}.get(word, word) or "default"
