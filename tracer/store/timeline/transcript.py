"""The texts that the transcript of a trace is told from, a bounded page of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.log.matches import LogFilter
from tracer.analysis.transcript import MODEL, TOOLS, Spoken
from tracer.extensions import db
from tracer.store.timeline.log import Log, open_log
from tracer.store.traces.span_tree import SpanRow

PER_PAGE: Final = 20
# As stored, that is compressed; what is longer than that together is shown at its span alone.
_MOST_BYTES: Final = 1_000_000

_TEXTS = sa.text(f"""
    SELECT span_id, size <= {_MOST_BYTES} AS fits,
        CASE WHEN size <= {_MOST_BYTES} THEN input END AS input,
        CASE WHEN size <= {_MOST_BYTES} THEN output END AS output
    FROM (
        SELECT k.place, p.span_id, p.input, p.output, sum(
            coalesce(pg_column_size(p.input), 0) + coalesce(pg_column_size(p.output), 0)
        ) OVER (ORDER BY k.place) AS size
        FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY k (span_id, place)
        JOIN span_payloads p ON p.project_id = :project AND p.trace_id = :trace
            AND p.span_id = k.span_id
    ) sized
""")


@dataclass(frozen=True, slots=True)
class Step:
    """A model call or a tool's run; ``spoken`` is None where its texts are too long for a page."""

    span: SpanRow
    spoken: Spoken | None


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """Steps in the order of time, and those right before, which were read further up."""

    before: list[Step]
    steps: list[Step]
    earlier: str | None
    later: str | None
    count: int
    unread: int
    """Spans that are not in the order of time yet."""


def read_transcript(project_id: str, trace_id: str, cursor: str | None) -> TranscriptPage | None:
    """Return a page of the steps of a trace; None: it is still being put in order.

    Raises BadCursor.
    """
    log = open_log(project_id, trace_id, LogFilter(kinds=(MODEL, *TOOLS)))
    if log is None:
        return None
    page = log.page(cursor, PER_PAGE)
    rows = [row.span for row in page.rows]
    before = _rows_before(log, page.earlier)
    # The nearest first: they are the likeliest to hold what is sent again.
    known = _steps(project_id, trace_id, before[::-1])[::-1]
    return TranscriptPage(
        before=known,
        steps=_steps(project_id, trace_id, rows),
        earlier=page.earlier,
        later=page.later,
        count=page.count,
        unread=page.unsearched,
    )


def _rows_before(log: Log, earlier: str | None) -> list[SpanRow]:
    return [row.span for row in log.page(earlier, PER_PAGE).rows] if earlier else []


def _steps(project_id: str, trace_id: str, rows: Sequence[SpanRow]) -> list[Step]:
    if not rows:
        return []
    values = {"project": project_id, "trace": trace_id, "ids": [row.span_id for row in rows]}
    texts: dict[str, Any] = {row.span_id: row for row in db.session.execute(_TEXTS, values)}
    return [Step(row, _spoken(row, texts.get(row.span_id))) for row in rows]


def _spoken(row: SpanRow, texts: Any) -> Spoken | None:
    if texts is None:
        return Spoken(row.span_id, row.kind, row.name, None, None)
    if not texts.fits:
        return None
    return Spoken(row.span_id, row.kind, row.name, texts.input, texts.output)
