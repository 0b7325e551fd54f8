"""The transcript of a trace: its messages in time order, without those of earlier calls again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from flask import request

from tracer.analysis.transcript import Added, Transcript
from tracer.messages.conversation import Message
from tracer.store.timeline.transcript import TranscriptEntry, TranscriptPage
from tracer.store.traces.span_tree import SpanRow
from tracer.store.traces.traces import TraceDetail
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.render.messages import Renderer, Turn
from tracer.ui.trace.context import Selection, find_trace, panel_of, trace_context
from tracer.ui.trace.head import head_of
from tracer.ui.trace.timeline import read_transcript
from tracer.web.answers import traces
from tracer.web.answers.traces import SpanSummary


class EntryData(msgspec.Struct, kw_only=True):
    """The messages that one entry adds; `new` and `answer` are null if they are too long."""

    span: SpanSummary
    again: int
    """The number of messages in its input that this page or the previous one shows."""
    new: list[Message] | None
    answer: list[Message] | None


class TranscriptData(msgspec.Struct, kw_only=True):
    """A page of the transcript. `data` is null until the timeline of a large trace is built."""

    data: list[EntryData] | None
    count: int
    next_cursor: str | None
    prev_cursor: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of the page; ``added`` is None if its messages are too long for the page."""

    span: SpanRow
    offset: timedelta
    """Time since the start of the trace."""
    added: Added | None
    new: list[Turn] = field(default_factory=list)
    answer: list[Turn] = field(default_factory=list)


@html_and_json("/project/<project_id>/traces/<id:trace_id>/transcript")
def trace_transcript(project_id: str, trace_id: str) -> Representations:
    """Show the transcript from ``cursor`` on."""
    trace = find_trace(project_id, trace_id)
    page = read_transcript(project_id, trace_id, request.args.get("cursor"))
    entries = _added_messages(page) if page else []
    selection = Selection.read(trace, request.args.get("span"))
    return Representations(
        "views/transcript.html",
        context=lambda: {
            **trace_context(trace),
            **head_of(trace),
            "view": "transcript",
            "page": page,
            "entries": _entry_views(entries, trace),
            "selected": selection.span_id,
            "panel": panel_of(selection),
        },
        data=lambda: TranscriptData(
            data=[_data(entry, added, project_id) for entry, added in entries] if page else None,
            count=page.count if page else 0,
            next_cursor=page.later if page else None,
            prev_cursor=page.earlier if page else None,
        ),
    )


def _added_messages(page: TranscriptPage) -> list[tuple[TranscriptEntry, Added | None]]:
    """Return the entries of a page with the messages that each one adds."""
    transcript = Transcript()
    # The previous page shows the messages of its entries, so this page does not show them again.
    for entry in page.previous_entries:
        if entry.step:
            transcript.add(entry.step)
    return [(entry, transcript.add(entry.step) if entry.step else None) for entry in page.entries]


def _entry_views(
    entries: list[tuple[TranscriptEntry, Added | None]], trace: TraceDetail
) -> list[EntryView]:
    renderer = Renderer()
    return [
        EntryView(
            span=entry.span,
            offset=entry.span.start_time - trace.start_time,
            added=added,
            new=renderer.turns(added.new, "/input") if added else [],
            answer=renderer.turns(added.answer, "/output") if added else [],
        )
        for entry, added in entries
    ]


def _data(entry: TranscriptEntry, added: Added | None, project_id: str) -> EntryData:
    return EntryData(
        span=traces.span_summary(entry.span, project_id),
        again=added.repeated_count if added else 0,
        new=added.new if added else None,
        answer=added.answer if added else None,
    )
