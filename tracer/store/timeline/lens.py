"""Reads the spans of a lens: those of one family, or those that failed, in time order.

Families come from the timeline of the trace, failed spans from their index: a page of a lens costs
the same in a trace of any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.analysis.families import FAMILY_OF_KIND
from tracer.analysis.log.entries import SPAN, Entry
from tracer.analysis.log.matches import LogFilter, Matches
from tracer.extensions import db
from tracer.store.database.paging import Key, cut_page
from tracer.store.schema import spans
from tracer.store.timeline.log import open_log
from tracer.store.traces.span_tree import COLUMNS, OF_TRACE, Children, SpanRow, read_rows
from tracer.times import to_micros

ERRORS: Final = "errors"
FAMILIES: Final = ("model", "tools")
LENSES: Final = (*FAMILIES, ERRORS)
MAX_LEVELS: Final = 40
"""Ancestors of a span that are read."""


class Part(NamedTuple):
    """A part of a lens: the spans after ``key`` (with its own if inclusive), or before it."""

    key: Key | None = None
    inclusive: bool = False
    until: Key | None = None
    """The last span that belongs to the part."""


@dataclass(frozen=True, slots=True)
class LensPage:
    """Spans of a lens in time order, the spans above them by id, and what is missing."""

    spans: Children
    ancestors: dict[str, SpanRow]
    unread: int
    """Number of spans that are not indexed yet."""


def read_lens(project_id: str, trace_id: str, lens: str, part: Part, limit: int) -> LensPage | None:
    """Return at most ``limit`` spans; None: the timeline of the trace is not built yet.

    ``lens`` is one of LENSES.
    """
    unread = 0
    if lens == ERRORS:
        rows = _failed(project_id, trace_id, part, limit + 1)
    else:
        kinds = tuple(kind for kind, family in FAMILY_OF_KIND.items() if family == lens)
        log = open_log(project_id, trace_id, LogFilter(kinds=kinds))
        if log is None:
            return None
        unread = log.matches.unsearched
        entries = _entries(log.matches, part, limit + 1)
        stored = read_rows(project_id, trace_id, {entry.span_id for entry in entries})
        rows = [stored[entry.span_id] for entry in entries if entry.span_id in stored]
    if part.until is not None:
        end = part.until.time, part.until.row_id
        rows = [row for row in rows if (row.start_time, row.span_id) <= end]
    page, *edges = cut_page(rows, limit, part.key, lambda row: (row.start_time, row.span_id))
    return LensPage(Children(None, page, *edges), _ancestors(project_id, trace_id, page), unread)


def _entries(matches: Matches, part: Part, limit: int) -> list[Entry]:
    """Return matches in the direction of the key."""
    if part.key is None:
        return matches.after(None, limit)
    # No event has a lower number than the span itself, so this is just before it.
    edge = Entry(to_micros(part.key.time), part.key.row_id, SPAN - part.inclusive)
    return matches.after(edge, limit) if part.key.forward else matches.before(edge, limit)[::-1]


def _failed(project_id: str, trace_id: str, part: Part, limit: int) -> list[SpanRow]:
    order = sa.tuple_(spans.c.start_time, spans.c.span_id)
    query = sa.select(*COLUMNS).where(*OF_TRACE, spans.c.level == "error")
    values: dict[str, Any] = {"project_id": project_id, "trace_id": trace_id}
    backward = part.key is not None and not part.key.forward
    if part.key is not None:
        after = "<" if backward else ">=" if part.inclusive else ">"
        edge = sa.tuple_(sa.literal(part.key.time), sa.literal(part.key.row_id))
        query = query.where(order.op(after)(edge))
    direction = sa.desc if backward else sa.asc
    query = query.order_by(direction(spans.c.start_time), direction(spans.c.span_id)).limit(limit)
    return [SpanRow(*row) for row in db.session.execute(query, values)]


_ABOVE: Final = sa.text("""
    WITH RECURSIVE up (span_id, height) AS (
        SELECT CAST(id AS text), 0 FROM unnest(CAST(:parents AS text[])) id
        UNION
        SELECT s.parent_span_id, up.height + 1
        FROM up JOIN spans s ON s.project_id = :project_id AND s.trace_id = :trace_id
            AND s.span_id = up.span_id
        WHERE s.parent_span_id IS NOT NULL AND up.height < :max_rows
    )
    SELECT DISTINCT span_id FROM up
""")


def _ancestors(project_id: str, trace_id: str, rows: list[SpanRow]) -> dict[str, SpanRow]:
    parents = list({row.parent_span_id for row in rows if row.parent_span_id is not None})
    if not parents:
        return {}
    values = {"project_id": project_id, "trace_id": trace_id, "parents": parents}
    ids = db.session.scalars(_ABOVE, values | {"max_rows": MAX_LEVELS}).all()
    return read_rows(project_id, trace_id, ids)
