"""The outline of a trace: a small one's is made as it is read, a large one's was stored."""

from __future__ import annotations

from typing import Final

import msgspec
import sqlalchemy as sa

from tracer.analysis.activity import ActivityProfile, WorkInterval, activity_profile
from tracer.extensions import db
from tracer.store.analyses.forests import read_part
from tracer.store.traces.traces import TraceRow
from tracer.times import to_micros

SMALL_SPANS: Final = 1_000
"""Up to here it is cheap enough to be made anew for each answer of a live trace."""

# A span that has children waits for them: what they do says what went on. But one that runs on
# while none of them does is at work itself.
_MARKS = sa.text("""
    SELECT (extract(epoch FROM s.start_time) * 1000000)::bigint,
        (extract(epoch FROM coalesce(s.end_time, :now)) * 1000000)::bigint,
        s.kind, s.level = 'error'
    FROM spans s
    WHERE s.project_id = :project AND s.trace_id = :trace AND NOT s.placeholder
        AND NOT EXISTS (
            SELECT FROM spans c WHERE c.project_id = s.project_id AND c.trace_id = s.trace_id
                AND c.parent_span_id = s.span_id
                AND (s.end_time IS NOT NULL OR c.end_time IS NULL)
        )
    LIMIT :most
""")


def read_outline(trace: TraceRow) -> ActivityProfile | None:
    """Return the outline of a trace; None: it is large, and still being counted."""
    if trace.span_count > SMALL_SPANS:
        part = read_part(trace.project_id, trace.trace_id, "outline")
        return None if part is None else msgspec.convert(part, ActivityProfile)
    # The trace's own end, not this moment: while nothing comes, nothing changes.
    end = max(trace.end_time, trace.updated_at) if trace.running_count else trace.end_time
    rows = db.session.execute(
        _MARKS,
        {
            "project": trace.project_id,
            "trace": trace.trace_id,
            "now": end,
            "most": SMALL_SPANS,
        },
    )
    marks = (WorkInterval(row[0], max(row[0], row[1]), row[2], row[3]) for row in rows)
    return activity_profile(marks, to_micros(trace.start_time), to_micros(end))
