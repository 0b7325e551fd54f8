"""Where a text stands in the traces of a list: the span, and the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tracer.analysis.log.trace_words import text_query
from tracer.extensions import db
from tracer.store.texts.texts import SPAN_TEXT, TRACE_TEXT

AROUND: Final = 80
"""Characters shown before and after a hit."""

# The trace's own texts come first, then its spans in the order of time.
_HITS: Final = sa.text(f"""
    SELECT k.trace_id, hit.span_id, substr(hit.text, greatest(1, hit.position - {AROUND}), :length)
    FROM unnest(CAST(:trace_ids AS text[])) k (trace_id)
    CROSS JOIN LATERAL (
        SELECT span_id, text, strpos(lower(text), lower(:needle)) AS position FROM (
            SELECT NULL AS span_id, NULL AS start_time, {TRACE_TEXT} AS text
            FROM traces t JOIN trace_payloads p USING (project_id, trace_id)
            WHERE t.project_id = :project_id AND t.trace_id = k.trace_id
            UNION ALL
            SELECT s.span_id, s.start_time, {SPAN_TEXT}
            FROM spans s LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
            WHERE s.project_id = :project_id AND s.trace_id = k.trace_id AND NOT s.placeholder
        ) texts
        WHERE strpos(lower(text), lower(:needle)) > 0
        ORDER BY start_time NULLS FIRST, span_id LIMIT 1
    ) hit
""")  # noqa: S608 - composed of constants; values are bound


@dataclass(frozen=True, slots=True)
class Hit:
    """The first place in a trace where a text stands."""

    span_id: str | None
    """None: it stands in the trace's own fields."""
    before: str
    match: str
    after: str


def hits(project_id: str, trace_ids: Sequence[str], text: str) -> dict[str, Hit]:
    """Return a hit by trace id for those of the traces, one page of a list, that have one."""
    query = text_query(text)
    needles = [*query.parts, *(term.text for term in query.terms)]
    if not needles:
        return {}
    # All of the text where it must stand as it is, else its longest word.
    needle = query.parts[0] if query.parts else max(needles, key=len)
    values = {
        "project_id": project_id,
        "trace_ids": list(trace_ids),
        "needle": needle,
        "length": 2 * AROUND + len(needle),
    }
    rows = db.session.execute(_HITS, values)
    return {trace_id: _hit(span_id, around, needle) for trace_id, span_id, around in rows}


def _hit(span_id: str | None, around: str, needle: str) -> Hit:
    match = re.search(re.escape(needle), around, re.IGNORECASE)
    if match is None:
        return Hit(span_id, around, "", "")
    return Hit(span_id, around[: match.start()], match[0], around[match.end() :])
