"""A trace in the order of time, whichever way it is read; and the wish for a newer state of it."""

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

# Asked first: who fills it holds its row for as long as that takes, and an upsert would wait.
_WANT = sa.text("""
    INSERT INTO timelines (project_id, trace_id, wanted_at)
    SELECT :project, :trace, now() WHERE NOT EXISTS (
        SELECT FROM timelines
        WHERE project_id = :project AND trace_id = :trace AND wanted_at IS NOT NULL
    )
    ON CONFLICT (project_id, trace_id) DO UPDATE SET wanted_at = now()
    WHERE timelines.wanted_at IS NULL
""")


class Timeline(Protocol):
    """The entries of a trace."""

    behind: int
    """Spans that are not in it yet, as far as that is known."""

    def find(self, asked: LogFilter) -> Matches:
        """Return the entries that are all of what is asked for."""


def open_timeline(project_id: str, trace_id: str) -> Timeline | None:
    """Return the timeline of a trace. None: it is large, and its timeline is not there yet.

    One that is missing or behind is filled by the worker once `want` has asked for it.
    """
    stored = read_stored(project_id, trace_id)
    if stored is not None and not stored.behind:
        return stored
    small = read_small(project_id, trace_id)
    return stored if small is None else small


def want(project_id: str, trace_id: str) -> None:
    """Ask the worker for the trace's timeline; of a trace that is gone there is none."""
    with suppress(NotFound):
        lock_subject(Subject(project_id=project_id, trace_id=trace_id))
        db.session.execute(_WANT, {"project": project_id, "trace": trace_id})
