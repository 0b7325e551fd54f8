"""Reads the timeline of a trace, and requests a rebuild from the worker if it is outdated."""

from __future__ import annotations

from tracer.analysis.findings.findings import Findings
from tracer.analysis.log.matches import LogFilter
from tracer.store.database.session import transaction
from tracer.store.timeline import findings, log, transcript
from tracer.store.timeline.log import Log
from tracer.store.timeline.timeline import request_timeline
from tracer.store.timeline.transcript import PER_PAGE, PER_WHOLE_PAGE, TranscriptPage


def open_log(project_id: str, trace_id: str, condition: LogFilter) -> Log | None:
    """Return the log of a trace; None: the timeline of a large trace is not built yet."""
    opened = log.open_log(project_id, trace_id, condition)
    if opened is None or opened.matches.unsearched:
        _request_rebuild(project_id, trace_id)
    return opened


def read_transcript(
    project_id: str, trace_id: str, cursor: str | None, words: str, *, whole: bool
) -> TranscriptPage | None:
    """Return a page of the transcript of a trace; None: its timeline is not built yet.

    ``words``: only steps that contain all of them. ``whole``: a short page, whose inputs are shown
    whole. Raises BadCursor.
    """
    limit = PER_WHOLE_PAGE if whole else PER_PAGE
    page = transcript.read_transcript(project_id, trace_id, cursor, words, limit)
    if page is None or page.unread:
        _request_rebuild(project_id, trace_id)
    return page


def read_findings(project_id: str, trace_id: str) -> Findings | None:
    """Return the findings of a trace; None: the worker has not computed those of a large trace."""
    stored = findings.read_findings(project_id, trace_id)
    if not stored.current:
        _request_rebuild(project_id, trace_id)
    return stored.findings


def _request_rebuild(project_id: str, trace_id: str) -> None:
    with transaction():
        request_timeline(project_id, trace_id)
