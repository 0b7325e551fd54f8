"""The log of a trace: its spans and their events in the order of time, filtered and paged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from tracer.analysis.log.entries import SPAN, Entry
from tracer.analysis.log.matches import LogFilter, Matches, Neighbours, buckets
from tracer.analysis.log.words import terms
from tracer.extensions import db
from tracer.records import LEVELS, Json
from tracer.store.database.paging import BadCursor, decode_cursor, encode_cursor
from tracer.store.timeline.timeline import Timeline, open_timeline
from tracer.store.traces import span_tree
from tracer.store.traces.span_tree import SpanRow
from tracer.times import from_micros, to_micros

PER_PAGE = 100

_EVENTS = sa.text("""
    SELECT p.span_id, k.number, p.events -> k.number AS event
    FROM unnest(CAST(:ids AS text[]), CAST(:numbers AS int[])) k (span_id, number)
    JOIN span_payloads p ON p.project_id = :project AND p.trace_id = :trace
        AND p.span_id = k.span_id
""")


class Query(NamedTuple):
    """What of a log is wanted; what is empty leaves nothing out."""

    words: str = ""
    """All of them must occur in what a span is called or holds; an event is found by none."""
    kind: str = ""
    level: str = ""
    """This level or a worse one."""

    def asked(self) -> LogFilter:
        """Return the query as the timeline understands it."""
        levels = LEVELS[LEVELS.index(self.level) :] if self.level in LEVELS else ()
        return LogFilter(tuple(terms(self.words)), (self.kind,) if self.kind else (), tuple(levels))


@dataclass(frozen=True, slots=True)
class LogRow:
    """An entry with the span it belongs to; ``event`` is None where the entry is the span."""

    time: datetime
    span: SpanRow
    number: int | None
    event: Json


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of a log, and what is known of all of it."""

    rows: list[LogRow]
    earlier: str | None
    later: str | None
    count: int
    more: bool
    """There may be more than ``count``."""
    unsearched: int
    """Spans that are not looked through yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands among what was found; ids are of the hits beside it."""

    count: int
    more: bool
    unsearched: int
    number: int | None
    """Counted from 1; None: the span is no hit."""
    previous: str | None
    next: str | None


class Log:
    """The log of one trace, of what is asked for."""

    def __init__(
        self, project_id: str, trace_id: str, timeline: Timeline, asked: LogFilter
    ) -> None:
        self._key = (project_id, trace_id)
        self.found: Matches = timeline.find(asked)

    def page(self, cursor: str | None, limit: int = PER_PAGE) -> LogPage:
        """Return the page at ``cursor`` (None: the first); raises BadCursor."""
        forward, key = _read_cursor(cursor)
        found = self.found
        if forward:
            entries = found.after(key, limit + 1)
            page, before, after = entries[:limit], key is not None, len(entries) > limit
        else:
            assert key is not None
            entries = found.before(key, limit + 1)
            page, before, after = entries[-limit:], len(entries) > limit, True
        return LogPage(
            rows=read_entries(*self._key, page),
            earlier=_cursor(False, page[0]) if page and before else None,
            later=_cursor(True, page[-1]) if page and after else None,
            count=found.count,
            more=found.more,
            unsearched=found.unsearched,
        )

    def place(self, span_id: str | None) -> Place:
        """Return where a span stands among the hits; without one, what comes first."""
        found = self.found
        start = span_tree.start_of(*self._key, span_id) if span_id else None
        if span_id and start:
            beside = found.beside(Entry(to_micros(start), span_id))
        else:
            beside = Neighbours(None, None, next(iter(found.after(None, 1)), None))
        return Place(
            count=found.count,
            more=found.more,
            unsearched=found.unsearched,
            number=None if beside.ahead is None else beside.ahead + 1,
            previous=beside.previous.span_id if beside.previous else None,
            next=beside.following.span_id if beside.following else None,
        )

    def buckets(self, start: datetime, end: datetime, number: int) -> list[int]:
        """Return how many of the found begin in each of ``number`` parts of the time axis."""
        return buckets(self.found, to_micros(start), to_micros(end), number)


def open_log(project_id: str, trace_id: str, asked: LogFilter) -> Log | None:
    """Return the log of a trace. None: it is large, and is still being put in order."""
    timeline = open_timeline(project_id, trace_id)
    return Log(project_id, trace_id, timeline, asked) if timeline is not None else None


def read_entries(project_id: str, trace_id: str, entries: Sequence[Entry]) -> list[LogRow]:
    """Return entries with what they are about; those that are gone since are left out."""
    held = span_tree.read_rows(project_id, trace_id, {entry.span_id for entry in entries})
    events = _events(project_id, trace_id, [entry for entry in entries if entry.event != SPAN])
    return [
        LogRow(
            time=from_micros(entry.time),
            span=held[entry.span_id],
            number=None if entry.event == SPAN else entry.event,
            event=events.get((entry.span_id, entry.event)),
        )
        for entry in entries
        if entry.span_id in held
    ]


def _events(project_id: str, trace_id: str, entries: Sequence[Entry]) -> dict[tuple[str, int], Any]:
    if not entries:
        return {}
    values = {
        "project": project_id,
        "trace": trace_id,
        "ids": [entry.span_id for entry in entries],
        "numbers": [entry.event for entry in entries],
    }
    found = db.session.execute(_EVENTS, values)
    return {(span_id, number): event for span_id, number, event in found}


def _cursor(forward: bool, entry: Entry) -> str:
    return encode_cursor(forward, from_micros(entry.time), f"{entry.event} {entry.span_id}")


def _read_cursor(cursor: str | None) -> tuple[bool, Entry | None]:
    if cursor is None:
        return True, None
    key = decode_cursor(cursor)
    number, _, span_id = key.row_id.partition(" ")
    try:
        return key.forward, Entry(to_micros(key.time), span_id, int(number))
    except ValueError:
        raise BadCursor("this cursor was not made by this server") from None
