"""Finds the agent that each of some spans belongs to: its nearest ancestor of kind `agent`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.traces.span_tree import SpanRow, read_rows

_MAX_HEIGHT: Final = 100
"""Ancestors read per span; an agent farther up is not found."""

_AGENTS: Final = sa.text(f"""
    WITH RECURSIVE up (origin, span_id, parent_span_id, kind, height) AS (
        SELECT span_id, span_id, parent_span_id, kind, 0 FROM spans
        WHERE project_id = :project AND trace_id = :trace AND span_id = ANY(:ids)
        UNION ALL
        SELECT up.origin, s.span_id, s.parent_span_id, s.kind, up.height + 1
        FROM up JOIN spans s ON s.project_id = :project AND s.trace_id = :trace
            AND s.span_id = up.parent_span_id
        WHERE up.height < {_MAX_HEIGHT} AND (up.height = 0 OR up.kind <> 'agent')
    )
    SELECT origin, span_id FROM up WHERE height > 0 AND kind = 'agent'
""")  # noqa: S608 - composed of constants; values are bound


def agents_of(project_id: str, trace_id: str, span_ids: Sequence[str]) -> dict[str, SpanRow]:
    """Return the agent of each span by the span's id; spans without one are left out."""
    values = {"project": project_id, "trace": trace_id, "ids": list(span_ids)}
    agents: dict[str, str] = {
        row.origin: row.span_id for row in db.session.execute(_AGENTS, values)
    }
    rows = read_rows(project_id, trace_id, set(agents.values())) if agents else {}
    return {origin: rows[agent] for origin, agent in agents.items() if agent in rows}
