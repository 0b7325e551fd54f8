"""Reads of a trace in the order of time, which ask the worker for what is not in order yet."""

from __future__ import annotations

from tracer.analysis.findings import Findings
from tracer.analysis.log.matches import LogFilter
from tracer.store.database.session import transaction
from tracer.store.timeline import findings, log, transcript
from tracer.store.timeline.log import Log
from tracer.store.timeline.timeline import request_timeline
from tracer.store.timeline.transcript import TranscriptPage


def open_log(project_id: str, trace_id: str, asked: LogFilter) -> Log | None:
    """Return the log of a trace. None: it is large, and is still being put in order."""
    opened = log.open_log(project_id, trace_id, asked)
    if opened is None or opened.matches.unsearched:
        _want(project_id, trace_id)
    return opened


def read_transcript(project_id: str, trace_id: str, cursor: str | None) -> TranscriptPage | None:
    """Return a page of the transcript of a trace; None: it is still being put in order.

    Raises BadCursor.
    """
    page = transcript.read_transcript(project_id, trace_id, cursor)
    if page is None or page.unread:
        _want(project_id, trace_id)
    return page


def read_findings(project_id: str, trace_id: str) -> Findings | None:
    """Return what is found in a trace; None: it is large, and the worker is still at it."""
    stored = findings.read_findings(project_id, trace_id)
    if not stored.current:
        _want(project_id, trace_id)
    return stored.findings


def _want(project_id: str, trace_id: str) -> None:
    with transaction():
        request_timeline(project_id, trace_id)
