"""The traces and sessions in the paths of routes; NotFound (404) where the project has none."""

from __future__ import annotations

from tracer.errors import NotFound
from tracer.store.traces import sessions, traces
from tracer.store.traces.sessions import SessionRow
from tracer.store.traces.traces import TraceDetail
from tracer.web.keys import current_project_id


def existing_trace(trace_id: str) -> TraceDetail:
    """Return a trace; raises NotFound."""
    row = traces.get_trace(current_project_id(), trace_id)
    if row is None:
        raise NotFound.of("trace", trace_id)
    return row


def existing_session(session_id: str) -> SessionRow:
    """Return a session; raises NotFound."""
    row = sessions.get_session(current_project_id(), session_id)
    if row is None:
        raise NotFound.of("session", session_id)
    return row
