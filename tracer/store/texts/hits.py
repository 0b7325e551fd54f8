"""Where a text stands in the traces of a list: the span, and the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from tracer.analysis.log.trace_words import text_query
from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.store.database.session import within
from tracer.store.schema import text_due
from tracer.store.texts.texts import SPAN_TEXT, TRACE_TEXT

CONTEXT_CHARACTERS: Final = 80
"""Characters shown before and after a hit."""

MAX_SPANS: Final = 500
"""Spans of a trace that are searched for a hit."""
TIMEOUT_SECONDS: Final = 2

# The trace's own texts come first, then its spans in the order of time.
_HITS: Final = sa.text(f"""
    SELECT k.trace_id, hit.span_id, hit.kind, hit.name,
        substr(hit.text, greatest(1, hit.position - {CONTEXT_CHARACTERS}), :length)
    FROM unnest(CAST(:trace_ids AS text[])) k (trace_id)
    CROSS JOIN LATERAL (
        SELECT span_id, kind, name, text, strpos(lower(text), lower(:needle)) AS position FROM (
            SELECT NULL AS span_id, NULL AS kind, NULL AS name, NULL AS start_time,
                {TRACE_TEXT} AS text
            FROM traces t JOIN trace_payloads p USING (project_id, trace_id)
            WHERE t.project_id = :project_id AND t.trace_id = k.trace_id
            UNION ALL (
                SELECT s.span_id, s.kind, s.name, s.start_time, {SPAN_TEXT}
                FROM spans s LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
                WHERE s.project_id = :project_id AND s.trace_id = k.trace_id AND NOT s.placeholder
                LIMIT {MAX_SPANS}
            )
        ) texts
        WHERE strpos(lower(text), lower(:needle)) > 0
        ORDER BY start_time NULLS FIRST, span_id LIMIT 1
    ) hit
""")  # noqa: S608 - composed of constants; values are bound


@dataclass(frozen=True, slots=True)
class Hit:
    """The first occurrence of a text in a trace."""

    span_id: str | None
    """None: the text occurs in the trace's own fields."""
    kind: str | None
    name: str | None
    before: str
    match: str
    after: str


def hits(project_id: str, trace_ids: Sequence[str], text: str) -> dict[str, Hit]:
    """Return a hit by trace id for those of the traces, one page of a list, that have one."""
    query = text_query(text)
    needles = [*query.parts, *(term.text for term in query.terms)]
    if not needles:
        return {}
    # The exact phrase if the query has one, else its longest word.
    needle = query.parts[0] if query.parts else max(needles, key=len)
    values = {
        "project_id": project_id,
        "trace_ids": list(trace_ids),
        "needle": needle,
        "length": 2 * CONTEXT_CHARACTERS + len(needle),
    }
    try:
        with within(TIMEOUT_SECONDS):
            rows = db.session.execute(_HITS, values).all()
    except TooSlow:
        return {}
    return {trace_id: _hit(span, around, needle) for trace_id, *span, around in rows}


def _hit(span: Sequence[str | None], around: str, needle: str) -> Hit:
    match = re.search(re.escape(needle), around, re.IGNORECASE)
    parts = (around, "", "")
    if match is not None:
        parts = around[: match.start()], match[0], around[match.end() :]
    span_id, kind, name = span
    before, shown, after = map(_plain, parts)
    return Hit(span_id, kind, name, before, shown, after)


def _plain(text: str) -> str:
    """Return a part of JSON text without the escapes of line breaks, quotes and slashes."""
    return _ESCAPES.sub(lambda match: _UNESCAPED.get(match[1], match[0]), text)


_ESCAPES: Final = re.compile(r"\\([nrt\"/])")
_UNESCAPED: Final = {"n": " ", "r": " ", "t": " ", '"': '"', "/": "/"}


def index_lag() -> timedelta:
    """Return the age of the oldest change that the index of words does not contain yet.

    Traces that changed since are searched without the index.
    """
    oldest = db.session.scalar(sa.select(sa.func.now() - sa.func.min(text_due.c.due_at)))
    return max(oldest or timedelta(0), timedelta(0))
