"""A trace that is small enough to be sorted and searched as it is read."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from tracer.analysis.log.entries import SPAN, Entry, event_level, event_time
from tracer.analysis.log.matches import InMemoryMatches, LogFilter
from tracer.analysis.log.words import matches, plain
from tracer.extensions import db
from tracer.store.timeline.fill import SAID, SENT, TEXT_CHARACTERS

SMALL_SPANS: Final = 1_000
# As stored, that is compressed: as text it is some times as much.
_MOST_BYTES: Final = 3_000_000

_SPANS = sa.text("""
    SELECT (extract(epoch FROM start_time) * 1000000)::bigint AS time, span_id, kind, level
    FROM spans WHERE project_id = :project AND trace_id = :trace AND NOT placeholder
    LIMIT :most
""")
# Added up before anything is unpacked, so that a few long texts can't hold up a page.
_WITHIN = """
    SELECT *, sum(size) OVER (ORDER BY start_time, span_id) AS total FROM (
        SELECT s.start_time, s.span_id, s.name, s.kind, s.status_message, s.model,
            {columns}, {size} AS size
        FROM spans s LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
        WHERE s.project_id = :project AND s.trace_id = :trace AND NOT s.placeholder
    ) sized
"""
_SEARCHED = ("input", "output", "metadata", "attributes", "events")
_TEXTS = sa.text(f"""
    SELECT s.span_id, convert_to({SAID}, 'UTF8') AS said,
        convert_to(left({SENT.replace("p.", "s.")}, {TEXT_CHARACTERS}), 'UTF8') AS sent
    FROM ({
    _WITHIN.format(
        columns=", ".join(f"p.{name}" for name in _SEARCHED),
        size=" + ".join(f"coalesce(pg_column_size(p.{name}), 0)" for name in _SEARCHED),
    )
}) s
    WHERE total <= :bytes
""")
_EVENTS = sa.text(f"""
    SELECT span_id, CASE WHEN total <= :bytes THEN events END AS events
    FROM ({
    _WITHIN.format(columns="p.events", size="coalesce(pg_column_size(p.events), 0)")
}) s WHERE events IS NOT NULL
""")


class _Row(NamedTuple):
    entry: Entry
    kind: str
    level: str


class Small:
    """The entries of one trace in order."""

    def __init__(self, project_id: str, trace_id: str, rows: list[_Row], spans: int) -> None:
        self._key = {"project": project_id, "trace": trace_id}
        self._rows = rows
        self._spans = spans
        self.behind = 0
        """Spans that are missing here: none."""

    def find(self, asked: LogFilter) -> InMemoryMatches:
        """Return the entries that are all of what is asked for."""
        rows = [
            row
            for row in self._rows
            if (not asked.kinds or row.kind in asked.kinds)
            and (not asked.levels or row.level in asked.levels)
        ]
        if not asked.terms:
            return InMemoryMatches([row.entry for row in rows])
        held, searched = self._search(asked)
        hits = [row.entry for row in rows if row.entry.event == SPAN and row.entry.span_id in held]
        return InMemoryMatches(hits, self._spans - searched)

    def _search(self, asked: LogFilter) -> tuple[set[str], int]:
        """Return the spans that hold all terms, and how many were looked through."""
        held, searched, wanted = set(), 0, list(asked.terms)
        for span_id, said, sent in db.session.execute(_TEXTS, self._key | {"bytes": _MOST_BYTES}):
            searched += 1
            if matches(bytes(said) + b" " + plain(bytes(sent)), wanted):
                held.add(span_id)
        return held, searched


def read_small(project_id: str, trace_id: str) -> Small | None:
    """Return a small trace's entries in order; None: it is too large for that."""
    key = {"project": project_id, "trace": trace_id}
    found = db.session.execute(_SPANS, key | {"most": SMALL_SPANS + 1}).all()
    if len(found) > SMALL_SPANS:
        return None
    rows = [_Row(Entry(row.time, row.span_id), row.kind, row.level) for row in found]
    starts = {row.span_id: row.time for row in found}
    for span_id, events in db.session.execute(_EVENTS, key | {"bytes": _MOST_BYTES}):
        if events is None:
            return None
        # A span that came between the two statements is there next time.
        start = starts.get(span_id, 0)
        rows += [
            _Row(Entry(event_time(event, start), span_id, n), "event", event_level(event))
            for n, event in enumerate(events)
        ]
    return Small(project_id, trace_id, sorted(rows), len(found))
