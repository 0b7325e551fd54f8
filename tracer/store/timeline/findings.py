"""The findings of a trace: of a small one worked out as they are read, of a large one as stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from tracer.analysis.findings import Findings, FindingSpan, find
from tracer.extensions import db
from tracer.store.timeline.finding_sql import NEEDS_INPUT, NEEDS_OUTPUT, STEP_COLUMNS

MOST_SPANS: Final = 1_000
# As stored; what is beyond is not unpacked, so that a page stays quick.
_MOST_BYTES: Final = 1_000_000

_SIZE = f"""
    CASE WHEN {NEEDS_INPUT} THEN coalesce(pg_column_size(p.input), 0)
        WHEN {NEEDS_OUTPUT} THEN coalesce(pg_column_size(p.output), 0) + pg_column_size(p.tools)
        ELSE 0 END
"""
_STEPS = sa.text(f"""
    SELECT * FROM (
        SELECT {STEP_COLUMNS}, sum({_SIZE}) OVER (ORDER BY s.start_time, s.span_id) AS size
        FROM spans s LEFT JOIN span_payloads p USING (project_id, trace_id, span_id)
        WHERE s.project_id = :project AND s.trace_id = :trace AND NOT s.placeholder
    ) sized WHERE size <= {_MOST_BYTES}
    ORDER BY start, span_id
""")
_SMALL = sa.text("""
    SELECT count(*) FROM (
        SELECT 1 FROM spans WHERE project_id = :project AND trace_id = :trace AND NOT placeholder
        LIMIT :most
    ) few
""")
_STORED = sa.text("""
    SELECT l.findings, l.state_of = t.updated_at AS fresh
    FROM timelines l JOIN traces t USING (project_id, trace_id)
    WHERE l.project_id = :project AND l.trace_id = :trace AND l.findings IS NOT NULL
""")


class TraceFindings(NamedTuple):
    """What is found in a trace."""

    findings: Findings | None
    """None: the trace is large, and the worker has not read it yet."""
    current: bool
    """They are of the whole trace as it is now; else the worker has to read it (again)."""


def read_findings(project_id: str, trace_id: str) -> TraceFindings:
    """Return what is found in a trace; of a large one that grows, what was some moments ago."""
    key = {"project": project_id, "trace": trace_id}
    stored = db.session.execute(_STORED, key).one_or_none()
    known = msgspec.convert(stored.findings, Findings) if stored is not None else None
    if stored is not None and stored.fresh:
        return TraceFindings(known, current=True)
    number = db.session.execute(_SMALL, key | {"most": MOST_SPANS + 1}).scalar_one()
    if number > MOST_SPANS:
        return TraceFindings(known, current=False)
    steps = list(_read_steps(db.session.execute(_STEPS, key)))
    # Fewer where the texts are too large to be read at once.
    return TraceFindings(find(steps), current=len(steps) >= number)


def _read_steps(rows: Iterable[Any]) -> Iterator[FindingSpan]:
    for row in rows:
        yield FindingSpan(*(getattr(row, name) for name in FindingSpan._fields))
