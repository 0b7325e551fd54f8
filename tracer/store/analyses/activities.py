"""Reads what small pictures of several traces show: their activity, and the tools they called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tracer.analysis.activity import ActivityProfile, WorkInterval, activity_profile
from tracer.extensions import db
from tracer.store.traces.traces import TraceRow
from tracer.times import to_micros

MAX_BARS: Final = 60
"""A small picture has room for about this many bars."""
_MAX_SPANS: Final = 2_000
"""Spans that are read for all traces together; the traces beyond get no activity."""

# As for the activity profile of one trace: a span with running children waits for them.
_LEAVES: Final = sa.text("""
    SELECT s.trace_id, (extract(epoch FROM s.start_time) * 1000000)::bigint AS start,
        (extract(epoch FROM s.end_time) * 1000000)::bigint AS end, s.kind,
        s.level = 'error' AS failed, s.name
    FROM spans s
    WHERE s.project_id = :project AND s.trace_id = ANY(:traces) AND NOT s.placeholder
        AND NOT EXISTS (
            SELECT FROM spans c WHERE c.project_id = s.project_id AND c.trace_id = s.trace_id
                AND c.parent_span_id = s.span_id
                AND (s.end_time IS NOT NULL OR c.end_time IS NULL)
        )
    ORDER BY s.start_time, s.span_id
""")

_STORED: Final = sa.text("""
    SELECT trace_id, parts -> 'outline' AS profile FROM analyses
    WHERE project_id = :project AND trace_id = ANY(:traces) AND analysed = revision
        AND parts -> 'outline' IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class TraceActivity:
    """What a small picture of a trace shows."""

    start: int
    end: int
    """µs since the epoch."""
    bars: list[WorkInterval]
    """The spans at work in time order; empty if there are more than `MAX_BARS`."""
    profile: ActivityProfile | None
    """The activity of a trace with more spans at work."""
    tools: dict[str, bool]
    """The names of the tools, in the order of their first calls; True: a call failed.

    Empty for a trace whose spans are too many to read."""


def read_activities(project_id: str, traces: Sequence[TraceRow]) -> dict[str, TraceActivity]:
    """Return the activities of these traces by id.

    Computed for as many spans as one page may read; the traces beyond need a stored analysis.
    """
    small, large, spans = [], [], 0
    for trace in traces:
        if spans + trace.span_count > _MAX_SPANS:
            large.append(trace)
        else:
            small.append(trace)
            spans += trace.span_count
    leaves: dict[str, list[Any]] = defaultdict(list)
    for row in _read(_LEAVES, project_id, small):
        leaves[row.trace_id].append(row)
    activities = {trace.trace_id: _activity(trace, leaves[trace.trace_id]) for trace in small}
    for row in _read(_STORED, project_id, large):
        profile = msgspec.convert(row.profile, ActivityProfile)
        activities[row.trace_id] = TraceActivity(profile.start, profile.end, [], profile, {})
    return activities


def _read(statement: sa.TextClause, project_id: str, traces: Sequence[TraceRow]) -> list[Any]:
    if not traces:
        return []
    values = {"project": project_id, "traces": [trace.trace_id for trace in traces]}
    return list(db.session.execute(statement, values))


def _activity(trace: TraceRow, leaves: Sequence[Any]) -> TraceActivity:
    # Not the current time: the activity stays the same while no spans arrive.
    end = max(trace.end_time, trace.updated_at) if trace.running_count else trace.end_time
    until = to_micros(end)
    bars = [
        WorkInterval(row.start, max(row.start, row.end or until), row.kind, row.failed)
        for row in leaves
    ]
    tools: dict[str, bool] = {}
    for row in leaves:
        if row.kind in ("tool", "function"):
            tools[row.name] = tools.get(row.name, False) or row.failed
    start = to_micros(trace.start_time)
    if len(bars) <= MAX_BARS:
        return TraceActivity(start, until, bars, None, tools)
    return TraceActivity(start, until, [], activity_profile(bars, start, until), tools)
