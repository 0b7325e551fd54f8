"""Reads the texts for the transcript of a trace: one page of entries, of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.log.matches import LogFilter
from tracer.analysis.log.words import terms
from tracer.analysis.transcript import MODEL, TOOLS, ConversationStep
from tracer.extensions import db
from tracer.records import Json
from tracer.store.parts.columns import bit, weight
from tracer.store.timeline.agents import agents_of
from tracer.store.timeline.log import Log, open_log
from tracer.store.traces.span_detail import assembler
from tracer.store.traces.span_tree import SpanRow

PER_PAGE: Final = 20
PER_WHOLE_PAGE: Final = 5
"""Entries of a page that shows each input whole, with what earlier calls have sent."""
# Compressed size per page; longer texts are shown on the page of their span only.
_MAX_BYTES: Final = 1_000_000

_TEXTS = sa.text(f"""
    SELECT span_id, size <= {_MAX_BYTES} AS fits,
        CASE WHEN size <= {_MAX_BYTES} THEN input END AS input,
        CASE WHEN size <= {_MAX_BYTES} THEN output END AS output, coalesce(split, 0) AS split
    FROM (
        SELECT p.*, sum(
            coalesce({weight("p", "input")}, 0) + coalesce({weight("p", "output")}, 0)
        ) OVER (ORDER BY k.position) AS size
        FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY k (span_id, position)
        JOIN span_payload_rows p ON p.project_id = :project AND p.trace_id = :trace
            AND p.span_id = k.span_id
    ) sized
""")  # noqa: S608 - composed of constants; values are bound


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """A model call or tool run; ``step`` is None where its texts exceed the size of a page."""

    span: SpanRow
    step: ConversationStep | None


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    """One page of entries in time order."""

    previous_entries: list[TranscriptEntry]
    """The entries of the page before, whose messages this page repeats."""
    entries: list[TranscriptEntry]
    earlier: str | None
    later: str | None
    count: int
    more: bool
    """Whether there may be more entries than `count`."""
    unread: int
    """Number of spans that are not indexed yet."""
    agents: dict[str, SpanRow]
    """The agent that each entry belongs to, by the id of the entry's span."""


def read_transcript(
    project_id: str, trace_id: str, cursor: str | None, words: str = "", limit: int = PER_PAGE
) -> TranscriptPage | None:
    """Return a page of the model calls and tool runs of a trace; raises BadCursor.

    None: the timeline of the trace is not built yet. ``words``: only spans that
    contain all of them, also in messages that the call repeats.
    """
    log = open_log(project_id, trace_id, LogFilter(tuple(terms(words)), (MODEL, *TOOLS)))
    if log is None:
        return None
    page = log.page(cursor, limit)
    rows = [row.span for row in page.rows]
    previous_rows = _rows_before(log, page.earlier)
    # The nearest first: they most likely contain the messages that this page repeats.
    previous_entries = _entries(project_id, trace_id, previous_rows[::-1])[::-1]
    return TranscriptPage(
        previous_entries=previous_entries,
        entries=_entries(project_id, trace_id, rows),
        earlier=page.earlier,
        later=page.later,
        count=page.count,
        more=page.more,
        unread=page.unsearched,
        agents=agents_of(
            project_id, trace_id, [row.span_id for row in (*previous_rows[-1:], *rows)]
        ),
    )


def _rows_before(log: Log, earlier: str | None) -> list[SpanRow]:
    return [row.span for row in log.page(earlier, PER_PAGE).rows] if earlier else []


def _entries(project_id: str, trace_id: str, rows: Sequence[SpanRow]) -> list[TranscriptEntry]:
    if not rows:
        return []
    values = {"project": project_id, "trace": trace_id, "ids": [row.span_id for row in rows]}
    texts: dict[str, Any] = {row.span_id: row for row in db.session.execute(_TEXTS, values)}
    parts = assembler(project_id)
    parts.load(
        (trace_id, getattr(row, name))
        for row in texts.values()
        for name in ("input", "output")
        if row.fits and row.split & bit(name)
    )

    def value(row: Any, name: str) -> Json:
        stored = getattr(row, name)
        return parts.value(trace_id, stored) if row.split & bit(name) else stored

    def step(span: SpanRow) -> ConversationStep | None:
        row = texts.get(span.span_id)
        if row is not None and not row.fits:
            return None
        both = (None, None) if row is None else (value(row, "input"), value(row, "output"))
        return ConversationStep(span.span_id, span.kind, span.name, *both)

    return [TranscriptEntry(row, step(row)) for row in rows]
