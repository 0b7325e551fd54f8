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


class TranscriptStep(msgspec.Struct, kw_only=True):
    """The messages that one step adds; `new` and `answer` are null if they are too long."""

    span: SpanSummary
    again: int
    """The number of messages in its input that this page or the previous one shows."""
    new: list[Message] | None
    answer: list[Message] | None


class TranscriptData(msgspec.Struct, kw_only=True):
    """A page of the transcript. `data` is null until the timeline of a large trace is built."""

    data: list[TranscriptStep] | None
    count: int
    next_cursor: str | None
    prev_cursor: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of the page; ``added`` is None if its messages are too long for the page."""

    span: SpanRow
    after: timedelta
    added: Added | None
    new: list[Turn] = field(default_factory=list)
    answer: list[Turn] = field(default_factory=list)


@html_and_json("/project/<project_id>/traces/<id:trace_id>/transcript")
def trace_transcript(project_id: str, trace_id: str) -> Representations:
    """Show the transcript from ``cursor`` on."""
    trace = find_trace(project_id, trace_id)
    page = read_transcript(project_id, trace_id, request.args.get("cursor"))
    steps = _added_messages(page) if page else []
    selection = Selection.read(trace, request.args.get("span"))
    return Representations(
        "views/transcript.html",
        context=lambda: {
            **trace_context(trace),
            **head_of(trace),
            "view": "transcript",
            "page": page,
            "entries": _entries(steps, trace),
            "selected": selection.span_id,
            "panel": panel_of(selection),
        },
        data=lambda: TranscriptData(
            data=[_data(step, added, project_id) for step, added in steps] if page else None,
            count=page.count if page else 0,
            next_cursor=page.later if page else None,
            prev_cursor=page.earlier if page else None,
        ),
    )


def _added_messages(page: TranscriptPage) -> list[tuple[TranscriptEntry, Added | None]]:
    """Return the entries of a page with the messages that each one adds."""
    transcript = Transcript()
    # The previous page shows the messages of the steps before this one.
    for step in page.before:
        if step.texts:
            transcript.add(step.texts)
    return [(step, transcript.add(step.texts) if step.texts else None) for step in page.steps]


def _entries(
    steps: list[tuple[TranscriptEntry, Added | None]], trace: TraceDetail
) -> list[EntryView]:
    renderer = Renderer()
    return [
        EntryView(
            span=step.span,
            after=step.span.start_time - trace.start_time,
            added=added,
            new=renderer.turns(added.new, "/input") if added else [],
            answer=renderer.turns(added.answer, "/output") if added else [],
        )
        for step, added in steps
    ]


def _data(step: TranscriptEntry, added: Added | None, project_id: str) -> TranscriptStep:
    return TranscriptStep(
        span=traces.span_summary(step.span, project_id),
        again=added.again if added else 0,
        new=added.new if added else None,
        answer=added.answer if added else None,
    )
