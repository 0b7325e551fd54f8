"""Builds the timeline of a trace in the background: entries in time order and an index of words.

One transaction per trace, on a connection of its own; its commit switches readers from the old
state to the new one. Memory is bounded by one segment, whatever the size of the trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import psycopg

from tracer.analysis.findings.findings import Finder, FindingSpan
from tracer.analysis.log import entries, words
from tracer.analysis.log.entries import PAGE, SPAN, Entry
from tracer.analysis.log.word_index import SEGMENT, Postings
from tracer.store.database.locks import lock_keys
from tracer.store.parts.columns import assembled
from tracer.store.timeline.finding_sql import FINDING_COLUMNS

T = TypeVar("T")

TEXT_CHARACTERS: Final = 1_000_000
"""Characters of a span's payload that are indexed; text beyond them can't be searched."""
# A batch of spans with the longest texts takes 250 MB; row by row takes three times as long.
_ROWS: Final = 16 if psycopg.capabilities.has_stream_chunked() else 1
# Sixteen megabytes of postings: a segment of long texts is closed when it reaches this number.
_MAX_POSTINGS: Final = 8_000_000

# The row lock lasts until the transaction ends; a second process skips the trace.
_BEGIN = """
    INSERT INTO timelines (project_id, trace_id) VALUES (%(project)s, %(trace)s)
    ON CONFLICT DO NOTHING
"""
_OLD = """
    SELECT first_segment + segment_count FROM timelines
    WHERE project_id = %(project)s AND trace_id = %(trace)s FOR UPDATE SKIP LOCKED
"""
_STATE = """
    SELECT updated_at FROM traces WHERE project_id = %(project)s AND trace_id = %(trace)s
"""
_COLLECT = """
    CREATE TEMPORARY TABLE entry ON COMMIT DROP AS
    SELECT (extract(epoch FROM start_time) * 1000000)::bigint AS time, span_id, -1 AS event,
        kind, level
    FROM spans
    WHERE project_id = %(project)s AND trace_id = %(trace)s AND NOT placeholder
"""
_EVENTS = """
    SELECT p.span_id, (extract(epoch FROM s.start_time) * 1000000)::bigint, p.events
    FROM span_payloads p JOIN spans s USING (project_id, trace_id, span_id)
    WHERE p.project_id = %(project)s AND p.trace_id = %(trace)s AND p.events IS NOT NULL
"""
_IN_ORDER = """
    SELECT time, span_id, event, kind, level FROM entry
    ORDER BY time, span_id COLLATE "C", event
"""
OWN_TEXT = """
    concat_ws(' ', s.span_id, s.name, s.kind, s.status_message, s.model)
"""
SEARCHED = ("input", "output", "metadata", "attributes", "events")
PAYLOAD_TEXT = f"""
    concat_ws(' ', {", ".join(assembled("p", column) for column in SEARCHED)})
"""
# In time order, as the findings need the spans.
_SPANS = f"""
    SELECT convert_to({OWN_TEXT}, 'UTF8'),
        convert_to(left({PAYLOAD_TEXT}, {TEXT_CHARACTERS}), 'UTF8'),
        {FINDING_COLUMNS}
    FROM unnest(%(ids)s::text[]) WITH ORDINALITY k (span_id, position)
    JOIN spans s ON s.project_id = %(project)s AND s.trace_id = %(trace)s
        AND s.span_id = k.span_id
    LEFT JOIN span_payload_rows p ON p.project_id = %(project)s AND p.trace_id = %(trace)s
        AND p.span_id = k.span_id
    ORDER BY k.position
"""  # noqa: S608 - composed of constants; values are bound
_FINISH = """
    UPDATE timelines SET first_segment = %(first)s, segment_count = %(segments)s,
        entry_count = %(entries)s, span_count = %(spans)s, state_of = %(state)s, wanted_at = NULL,
        findings = %(findings)s::jsonb
    WHERE project_id = %(project)s AND trace_id = %(trace)s
"""
# A trace that keeps changing is indexed once a minute nevertheless.
DUE: Final = """
    SELECT l.project_id, l.trace_id FROM timelines l JOIN traces t USING (project_id, trace_id)
    WHERE l.wanted_at IS NOT NULL AND (
        t.updated_at < now() - interval '3 seconds'
        OR coalesce(l.state_of, '-infinity') < now() - interval '1 minute'
    )
    ORDER BY l.wanted_at LIMIT 1
"""
_INDEX_TABLES = ("timeline_segments", "timeline_pages", "timeline_words")


class _Row(NamedTuple):
    """An entry with the fields that filters of the log use."""

    entry: Entry
    kind: str
    level: str


def kind_term(kind: str) -> str:
    """Return the index term of a kind; the control character keeps it apart from words of texts."""
    return f"\x01kind {kind}"


def level_term(level: str) -> str:
    """Return the index term of a level."""
    return f"\x01level {level}"


def fill(connection: psycopg.Connection[Any], project_id: str, trace_id: str) -> int | None:
    """Build the timeline of a trace anew; return the number of its entries.

    None: there is no such trace, or another process is building its timeline.
    """
    key: dict[str, Any] = {"project": project_id, "trace": trace_id}
    with connection.transaction():
        # Without this lock, rows written here would survive a concurrent delete of the trace.
        lock_keys(connection, [(project_id, trace_id)])
        # Read before the spans: a span that arrives meanwhile makes this state outdated.
        state = connection.execute(_STATE, key).fetchone()
        if state is None:
            return None
        connection.execute(_BEGIN, key)
        old = connection.execute(_OLD, key).fetchone()
        if old is None:
            return None
        builder = _TimelineBuilder(connection, key, first=old[0])
        builder.run()
        done = {"first": old[0], "state": state[0], **builder.columns()}
        connection.execute(_FINISH, key | done)
        for table in _INDEX_TABLES:
            connection.execute(
                f"DELETE FROM {table} WHERE project_id = %(project)s AND trace_id = %(trace)s"  # noqa: S608 - composed of constants; values are bound
                " AND segment < %(first)s",
                key | done,
            )
        return builder.entry_count


def fill_requested(url: str) -> int:
    """Build the requested timelines of traces that are at rest; return their number."""
    number = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while due := connection.execute(DUE).fetchone():
            if fill(connection, *due) is None:
                # Another process is building it.
                break
            number += 1
    return number


class _TimelineBuilder:
    """The state of building one timeline."""

    def __init__(
        self, connection: psycopg.Connection[Any], key: dict[str, Any], first: int
    ) -> None:
        self._connection = connection
        self._key = key
        self._first = self._segment = first
        self._finder = Finder()
        self._clear()
        self.entry_count = self._span_count = 0

    def columns(self) -> dict[str, Any]:
        """Return the columns of `timelines` for the new state."""
        return {
            "segments": self._segment - self._first,
            "entries": self.entry_count,
            "spans": self._span_count,
            "findings": msgspec.json.encode(self._finder.end()).decode(),
        }

    def run(self) -> None:
        """Write all segments of the trace."""
        self._collect()
        with self._connection.cursor(name="entries") as cursor:
            cursor.itersize = PAGE * 16
            cursor.execute(_IN_ORDER)
            rows = (_Row(Entry(*row[:3]), row[3], row[4]) for row in cursor)
            for page in _batched(rows, PAGE):
                self._add_page(page)
        if self._pages:
            self._write()

    def _collect(self) -> None:
        self._connection.execute(_COLLECT, self._key)
        # A server-side cursor: all events together may be as large as the trace.
        with self._connection.cursor(name="events") as cursor:
            cursor.execute(_EVENTS, self._key)
            for batch in _batched(cursor, 1_000):
                with (
                    self._connection.cursor() as writing,
                    writing.copy("COPY entry (time, span_id, event, kind, level) FROM STDIN") as to,
                ):
                    for row in _event_rows(batch):
                        to.write_row(row)

    def _clear(self) -> None:
        self._postings, self._posted, self._count = Postings(), 0, 0
        self._pages: list[tuple[Entry, ...]] = []

    def _add_page(self, page: tuple[_Row, ...]) -> None:
        ids = [row.entry.span_id for row in page if row.entry.event == SPAN]
        texts = self._read(ids)
        for number, row in enumerate(page, self._count):
            raw = texts.get(row.entry.span_id, set()) if row.entry.event == SPAN else set()
            self._postings.add(number, raw, (kind_term(row.kind), level_term(row.level)))
            self._posted += len(raw)
        self._count += len(page)
        self._span_count += len(texts)
        self._pages.append(tuple(row.entry for row in page))
        if self._count + PAGE > SEGMENT or self._posted > _MAX_POSTINGS:
            self._write()

    def _read(self, span_ids: list[str]) -> dict[str, set[bytes]]:
        """Pass the next spans to the finder; return the words of each span."""
        words_by_span: dict[str, set[bytes]] = {}
        key = self._key | {"ids": span_ids}
        with self._connection.cursor() as cursor:
            for own_text, payload_text, *columns in cursor.stream(
                _SPANS, key, binary=True, size=_ROWS
            ):
                span = FindingSpan(*columns)
                self._finder.add(span)
                words_by_span[span.span_id] = words.raw_words(
                    own_text + b" " + words.plain(payload_text)
                )
        return words_by_span

    def _write(self) -> None:
        key = (self._key["project"], self._key["trace"], self._segment)
        starts = entries.pack_times([page[0].time for page in self._pages])
        self._copy("timeline_segments", [(*key, self._count, starts)])
        packed = ((*key, n, entries.pack_page(page)) for n, page in enumerate(self._pages))
        self._copy("timeline_pages", packed)
        self._copy("timeline_words", ((*key, *block) for block in self._postings.blocks()))
        self.entry_count += self._count
        self._segment += 1
        self._clear()

    def _copy(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _event_rows(
    spans: Iterable[tuple[str, int, list[Any]]],
) -> Iterator[tuple[int, str, int, str, str]]:
    for span_id, start, events in spans:
        for number, event in enumerate(events):
            time, level = entries.event_time(event, start), entries.event_level(event)
            yield time, span_id, number, "event", level


def _batched(rows: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    left = iter(rows)
    while batch := tuple(islice(left, size)):
        yield batch
