"""The timeline of a small trace, sorted and searched in memory."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from tracer.analysis.log.entries import SPAN, Entry, event_level, event_time
from tracer.analysis.log.matches import InMemoryMatches, LogFilter
from tracer.analysis.log.words import matches, plain
from tracer.extensions import db
from tracer.store import thresholds
from tracer.store.parts.columns import assembled, weight
from tracer.store.timeline.fill import OWN_TEXT, PAYLOAD_TEXT, SEARCHED, TEXT_CHARACTERS

# Compressed size; as text it is several times as much.
_MAX_BYTES: Final = 3_000_000

# In the order of `ix_spans_tree`: for a trace that is a large part of the table, PostgreSQL would
# otherwise scan the table up to the first spans of the trace.
_SPANS = sa.text("""
    SELECT (extract(epoch FROM start_time) * 1000000)::bigint AS time, span_id, kind, level
    FROM spans WHERE project_id = :project AND trace_id = :trace AND NOT placeholder
    ORDER BY parent_span_id, start_time, span_id LIMIT :max_rows
""")
# Sizes are added up before any payload is decompressed, so that long texts can't delay a page.
_SIZED = """
    SELECT *, sum(size) OVER (ORDER BY start_time, span_id) AS total FROM (
        SELECT s.start_time, s.span_id, s.name, s.kind, s.status_message, s.model,
            p.project_id, p.trace_id, p.split, {columns}, {size} AS size
        FROM spans s LEFT JOIN span_payload_rows p USING (project_id, trace_id, span_id)
        WHERE s.project_id = :project AND s.trace_id = :trace AND NOT s.placeholder
    ) sized
"""


def _sized(*columns: str) -> str:
    """Return SQL for the spans with these payload columns as stored, and the sums of sizes."""
    return _SIZED.format(
        columns=", ".join(f"p.{name}" for name in columns),
        size=" + ".join(f"coalesce({weight('p', name)}, 0)" for name in columns),
    )


_TEXTS = sa.text(f"""
    SELECT s.span_id, convert_to({OWN_TEXT}, 'UTF8') AS own_text,
        convert_to(left({PAYLOAD_TEXT.replace("p.", "s.")}, {TEXT_CHARACTERS}), 'UTF8')
            AS payload_text
    FROM ({_sized(*SEARCHED)}) s
    WHERE total <= :bytes
""")  # noqa: S608 - composed of constants; values are bound
_EVENTS = sa.text(f"""
    SELECT span_id, CASE WHEN total <= :bytes THEN {assembled("s", "events")} END AS events
    FROM ({_sized("events")}) s WHERE events IS NOT NULL
""")  # noqa: S608 - composed of constants; values are bound


class _Row(NamedTuple):
    entry: Entry
    kind: str
    level: str


class InMemoryTimeline:
    """The entries of one trace in time order."""

    def __init__(self, project_id: str, trace_id: str, rows: list[_Row], spans: int) -> None:
        self._key = {"project": project_id, "trace": trace_id}
        self._rows = rows
        self._spans = spans
        self.behind = 0
        """Spans that are missing here: none."""

    def find(self, log_filter: LogFilter) -> InMemoryMatches:
        """Return the entries that fulfil the filter."""
        rows = [
            row
            for row in self._rows
            if (not log_filter.kinds or row.kind in log_filter.kinds)
            and (not log_filter.levels or row.level in log_filter.levels)
        ]
        if not log_filter.terms:
            return InMemoryMatches([row.entry for row in rows])
        span_ids, searched = self._search(log_filter)
        hits = [
            row.entry for row in rows if row.entry.event == SPAN and row.entry.span_id in span_ids
        ]
        return InMemoryMatches(hits, self._spans - searched)

    def _search(self, log_filter: LogFilter) -> tuple[set[str], int]:
        """Return (ids of the spans that contain all terms, number of spans searched)."""
        span_ids, searched, terms = set(), 0, list(log_filter.terms)
        for span_id, own_text, payload_text in db.session.execute(
            _TEXTS, self._key | {"bytes": _MAX_BYTES}
        ):
            searched += 1
            if matches(bytes(own_text) + b" " + plain(bytes(payload_text)), terms):
                span_ids.add(span_id)
        return span_ids, searched


def read_small(project_id: str, trace_id: str) -> InMemoryTimeline | None:
    """Return the timeline of a small trace; None: the trace is too large for memory."""
    key = {"project": project_id, "trace": trace_id}
    spans = db.session.execute(_SPANS, key | {"max_rows": thresholds.MAX_SPANS_IN_MEMORY + 1}).all()
    if len(spans) > thresholds.MAX_SPANS_IN_MEMORY:
        return None
    rows = [_Row(Entry(row.time, row.span_id), row.kind, row.level) for row in spans]
    starts = {row.span_id: row.time for row in spans}
    for span_id, events in db.session.execute(_EVENTS, key | {"bytes": _MAX_BYTES}):
        if events is None:
            return None
        # A span that arrived between the two statements is missing here, until the next read.
        start = starts.get(span_id, 0)
        rows += [
            _Row(Entry(event_time(event, start), span_id, n), "event", event_level(event))
            for n, event in enumerate(events)
        ]
    return InMemoryTimeline(project_id, trace_id, sorted(rows), len(spans))
