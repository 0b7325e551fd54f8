"""Opens the timeline of a trace (in memory or from the index) and requests outdated ones anew."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import sqlalchemy as sa

from tracer.analysis.log.matches import LogFilter, Matches
from tracer.errors import NotFound
from tracer.extensions import db
from tracer.store.annotations.subjects import Subject, lock_subject
from tracer.store.timeline.in_memory import read_small
from tracer.store.timeline.indexed import read_stored

# The condition avoids the upsert, which would wait for the worker that is building the timeline.
_REQUEST = sa.text("""
    INSERT INTO timelines (project_id, trace_id, wanted_at)
    SELECT :project, :trace, now() WHERE NOT EXISTS (
        SELECT FROM timelines
        WHERE project_id = :project AND trace_id = :trace AND wanted_at IS NOT NULL
    )
    ON CONFLICT (project_id, trace_id) DO UPDATE SET wanted_at = now()
    WHERE timelines.wanted_at IS NULL
""")


class Timeline(Protocol):
    """The entries of a trace in time order."""

    behind: int
    """Number of spans that are missing in it, as far as known."""

    def find(self, log_filter: LogFilter) -> Matches:
        """Return the entries that fulfil the filter."""


def open_timeline(project_id: str, trace_id: str) -> Timeline | None:
    """Return the timeline of a trace; None: a large trace whose timeline is not built yet.

    The worker builds a missing or outdated timeline after a call of `request_timeline`.
    """
    stored = read_stored(project_id, trace_id)
    if stored is not None and not stored.behind:
        return stored
    small = read_small(project_id, trace_id)
    return stored if small is None else small


def request_timeline(project_id: str, trace_id: str) -> None:
    """Request that the worker builds the trace's timeline; no effect on a deleted trace."""
    with suppress(NotFound):
        lock_subject(Subject(project_id=project_id, trace_id=trace_id))
        db.session.execute(_REQUEST, {"project": project_id, "trace": trace_id})
