"""Reads the log of a trace: its spans and their events in time order, filtered and paged."""

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
    """Conditions of a log; empty ones are ignored."""

    words: str = ""
    """Words that must all occur in a span's name, ids or payload; events never match."""
    kind: str = ""
    level: str = ""
    """The least severe level shown."""

    def log_filter(self) -> LogFilter:
        """Return the conditions as a filter of the timeline."""
        levels = LEVELS[LEVELS.index(self.level) :] if self.level in LEVELS else ()
        return LogFilter(tuple(terms(self.words)), (self.kind,) if self.kind else (), tuple(levels))


@dataclass(frozen=True, slots=True)
class LogRow:
    """An entry with its span; ``event`` is None where the entry is the span itself."""

    time: datetime
    span: SpanRow
    number: int | None
    event: Json


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of a log, with the number of all matches."""

    rows: list[LogRow]
    earlier: str | None
    later: str | None
    count: int
    more: bool
    """Whether there may be more than ``count``."""
    unsearched: int
    """Number of spans that are not indexed yet."""


@dataclass(frozen=True, slots=True)
class SearchPosition:
    """Position of a span among the matches, and the ids of the matches next to it."""

    count: int
    more: bool
    unsearched: int
    number: int | None
    """Counted from 1; None: the span does not match."""
    previous: str | None
    next: str | None


class Log:
    """The log of one trace under one filter."""

    def __init__(
        self, project_id: str, trace_id: str, timeline: Timeline, log_filter: LogFilter
    ) -> None:
        self._key = (project_id, trace_id)
        self.matches: Matches = timeline.find(log_filter)

    def page(self, cursor: str | None, limit: int = PER_PAGE) -> LogPage:
        """Return the page at ``cursor`` (None: the first); raises BadCursor."""
        forward, key = _read_cursor(cursor)
        matches = self.matches
        if forward:
            entries = matches.after(key, limit + 1)
            page, before, after = entries[:limit], key is not None, len(entries) > limit
        else:
            assert key is not None
            entries = matches.before(key, limit + 1)
            page, before, after = entries[-limit:], len(entries) > limit, True
        return LogPage(
            rows=read_entries(*self._key, page),
            earlier=_cursor(False, page[0]) if page and before else None,
            later=_cursor(True, page[-1]) if page and after else None,
            count=matches.count,
            more=matches.more,
            unsearched=matches.unsearched,
        )

    def position(self, span_id: str | None) -> SearchPosition:
        """Return the position of a span among the matches; None: before the first match."""
        matches = self.matches
        start = span_tree.start_of(*self._key, span_id) if span_id else None
        if span_id and start:
            beside = matches.beside(Entry(to_micros(start), span_id))
        else:
            beside = Neighbours(None, None, next(iter(matches.after(None, 1)), None))
        return SearchPosition(
            count=matches.count,
            more=matches.more,
            unsearched=matches.unsearched,
            number=None if beside.ahead is None else beside.ahead + 1,
            previous=beside.previous.span_id if beside.previous else None,
            next=beside.following.span_id if beside.following else None,
        )

    def buckets(self, start: datetime, end: datetime, number: int) -> list[int]:
        """Return the number of matches in each of ``number`` equal parts of the time axis."""
        return buckets(self.matches, to_micros(start), to_micros(end), number)


def open_log(project_id: str, trace_id: str, log_filter: LogFilter) -> Log | None:
    """Return the log of a trace; None: a large trace whose timeline is not built yet."""
    timeline = open_timeline(project_id, trace_id)
    return Log(project_id, trace_id, timeline, log_filter) if timeline is not None else None


def read_entries(project_id: str, trace_id: str, entries: Sequence[Entry]) -> list[LogRow]:
    """Return entries with their spans; entries of deleted spans are left out."""
    spans = span_tree.read_rows(project_id, trace_id, {entry.span_id for entry in entries})
    events = _events(project_id, trace_id, [entry for entry in entries if entry.event != SPAN])
    return [
        LogRow(
            time=from_micros(entry.time),
            span=spans[entry.span_id],
            number=None if entry.event == SPAN else entry.event,
            event=events.get((entry.span_id, entry.event)),
        )
        for entry in entries
        if entry.span_id in spans
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
    rows = db.session.execute(_EVENTS, values)
    return {(span_id, number): event for span_id, number, event in rows}


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
