"""Reads the activity profile of a trace: computed for a small trace, stored for a large one."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from tracer.analysis.activity import ActivityProfile, WorkInterval, activity_profile
from tracer.extensions import db
from tracer.store import thresholds
from tracer.store.analyses.forests import read_analysis
from tracer.store.traces.traces import TraceRow
from tracer.times import to_micros

# A span with running children is waiting for them, so its children show what it does. A running
# span whose children have all ended is itself at work.
_INTERVALS = sa.text("""
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
    LIMIT :max_rows
""")


def read_activity_profile(trace: TraceRow) -> ActivityProfile | None:
    """Return the activity profile of a trace; None: a large trace that is not analysed yet."""
    if trace.span_count > thresholds.MAX_SPANS_PROFILED:
        stored = read_analysis(trace.project_id, trace.trace_id, "outline")
        return None if stored is None else msgspec.convert(stored, ActivityProfile)
    # Not the current time: the profile stays the same while no spans arrive.
    end = max(trace.end_time, trace.updated_at) if trace.running_count else trace.end_time
    rows = db.session.execute(
        _INTERVALS,
        {
            "project": trace.project_id,
            "trace": trace.trace_id,
            "now": end,
            "max_rows": thresholds.MAX_SPANS_PROFILED,
        },
    )
    intervals = (WorkInterval(row[0], max(row[0], row[1]), row[2], row[3]) for row in rows)
    return activity_profile(intervals, to_micros(trace.start_time), to_micros(end))
