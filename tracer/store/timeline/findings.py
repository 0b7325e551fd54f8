"""Reads the findings of a trace: computed for a small trace, stored for a large one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from tracer.analysis.findings.findings import Findings, FindingSpan, find
from tracer.extensions import db
from tracer.store import thresholds
from tracer.store.parts.columns import weight
from tracer.store.timeline.context_findings import read_context_findings
from tracer.store.timeline.finding_sql import FINDING_COLUMNS, NEEDS_INPUT, NEEDS_OUTPUT

# Compressed size of the payloads read; spans beyond it are left out, so that a page stays fast.
_MAX_BYTES: Final = 1_000_000

_SIZE = f"""
    CASE WHEN {NEEDS_INPUT} THEN coalesce({weight("p", "input")}, 0)
        WHEN {NEEDS_OUTPUT} THEN coalesce({weight("p", "output")}, 0) + {weight("p", "tools")}
        ELSE 0 END
"""
_FINDING_SPANS = sa.text(f"""
    SELECT * FROM (
        SELECT {FINDING_COLUMNS}, sum({_SIZE}) OVER (ORDER BY s.start_time, s.span_id) AS size
        FROM spans s LEFT JOIN span_payload_rows p USING (project_id, trace_id, span_id)
        WHERE s.project_id = :project AND s.trace_id = :trace AND NOT s.placeholder
    ) sized WHERE size <= {_MAX_BYTES}
    ORDER BY start, span_id
""")  # noqa: S608 - composed of constants; values are bound
# In the order of `ix_spans_tree`: for a trace that is a large part of the table, PostgreSQL would
# otherwise scan the table up to the first spans of the trace.
_SMALL = sa.text("""
    SELECT count(*) FROM (
        SELECT 1 FROM spans WHERE project_id = :project AND trace_id = :trace AND NOT placeholder
        ORDER BY parent_span_id, start_time, span_id LIMIT :max_rows
    ) few
""")
_STORED = sa.text("""
    SELECT t.updated_at, l.findings, l.state_of = t.updated_at AS fresh
    FROM traces t LEFT JOIN timelines l USING (project_id, trace_id)
    WHERE t.project_id = :project AND t.trace_id = :trace
""")


class TraceFindings(NamedTuple):
    """The findings of a trace, and whether they are up to date."""

    findings: Findings | None
    """None: a large trace that the worker has not read yet."""
    current: bool
    """False: the trace has changed since, or was too large; the worker has to read it (again)."""


def read_findings(project_id: str, trace_id: str) -> TraceFindings:
    """Return the findings of a trace; those of a large growing trace may be moments old."""
    key = {"project": project_id, "trace": trace_id}
    stored = db.session.execute(_STORED, key).one_or_none()
    if stored is None:
        return TraceFindings(find([]), current=True)
    # Findings that an earlier version stored have no highlights: the worker reads the trace again.
    if stored.findings and stored.fresh and "highlights" in stored.findings:
        return TraceFindings(msgspec.convert(stored.findings, Findings), current=True)
    computed = _compute(project_id, trace_id, stored.updated_at, thresholds.MAX_SPANS_CHECKED)
    if computed is not None:
        return computed
    findings = msgspec.convert(stored.findings, Findings) if stored.findings else None
    return TraceFindings(findings, current=False)


@lru_cache(maxsize=500)
def _compute(
    project_id: str, trace_id: str, _updated_at: datetime, max_spans: int
) -> TraceFindings | None:
    """Return the findings of a trace; None: it has more than ``max_spans`` spans.

    Every page of a trace shows their number, and a change of the trace changes `_updated_at`.
    """
    key = {"project": project_id, "trace": trace_id}
    number = db.session.execute(_SMALL, key | {"max_rows": max_spans + 1}).scalar_one()
    if number > max_spans:
        return None
    spans = list(_read_spans(db.session.execute(_FINDING_SPANS, key)))
    # Fewer spans where the payloads exceed _MAX_BYTES.
    findings = find(spans)
    findings.findings = [*read_context_findings(project_id, trace_id), *findings.findings]
    return TraceFindings(findings, current=len(spans) >= number)


def _read_spans(rows: Iterable[Any]) -> Iterator[FindingSpan]:
    for row in rows:
        yield FindingSpan(*(getattr(row, name) for name in FindingSpan._fields))
