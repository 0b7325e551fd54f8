"""The entries of a trace's log: its spans and their events in time order, and their encoding."""

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
"""Entries per page; a page is stored and read as a whole."""
SPAN: Final = -1
"""`Entry.event` of an entry that is a span."""
_pack: Final = msgspec.msgpack.Encoder().encode


class Entry(NamedTuple):
    """A span at its start time, or one of its events at its own time; sorts by time."""

    time: int
    """Microseconds since the epoch."""
    span_id: str
    event: int = SPAN
    """Index in the span's list of events; `SPAN`: the entry is the span itself."""


def pack_page(entries: Sequence[Entry]) -> bytes:
    """Return the entries of one page, column by column, as compressed MessagePack."""
    columns = [list(column) for column in zip(*entries, strict=True)]
    return zstandard.compress(_pack(columns))


def unpack_page(body: bytes) -> list[Entry]:
    """Return the entries that `pack_page` encoded."""
    columns = msgspec.msgpack.decode(zstandard.decompress(body))
    return list(starmap(Entry, zip(*columns, strict=True)))


def pack_times(times: Sequence[int]) -> bytes:
    """Return times (µs) as eight bytes each, in native byte order."""
    return array("q", times).tobytes()


def unpack_times(packed: bytes) -> array[int]:
    """Return the times that `pack_times` encoded."""
    return array("q", packed)


def event_time(event: Json, start: int) -> int:
    """Return the time of an event (µs); without a valid time, `start`, the start of its span."""
    text = event.get("time") if isinstance(event, dict) else None
    if isinstance(text, str):
        try:
            time = datetime.fromisoformat(text)
            return round(time.timestamp() * 1_000_000) if time.tzinfo else start
        except (ValueError, OverflowError):
            pass
    return start


def event_level(event: Json) -> str:
    """Return the level of an event: error for an exception, else its own level or default."""
    if not isinstance(event, dict):
        return "default"
    if event.get("name") == "exception":
        return "error"
    attributes = event.get("attributes")
    level = event.get("level") or (isinstance(attributes, dict) and attributes.get("level"))
    name = level.lower() if isinstance(level, str) else ""
    return {"warn": "warning", "fatal": "error", "info": "default"}.get(name, name) or "default"
