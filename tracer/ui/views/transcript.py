"""The transcript of a trace: its conversation in reading order, each message once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from flask import request

from tracer.analysis.transcript import Teller, Told
from tracer.messages.conversation import Message
from tracer.store.timeline.transcript import TranscriptEntry, TranscriptPage
from tracer.store.traces.span_tree import SpanRow
from tracer.store.traces.traces import TraceDetail
from tracer.ui.base.representations import Shown, twin
from tracer.ui.render.messages import Reader, Turn
from tracer.ui.trace.context import Choice, common, find_trace, panel_of
from tracer.ui.trace.timeline import read_transcript
from tracer.web.answers import traces
from tracer.web.answers.traces import SpanSummary


class TranscriptStep(msgspec.Struct, kw_only=True):
    """What one step adds; `new` and `answer` are null where its texts are too long for a page."""

    span: SpanSummary
    again: int
    """Messages it was sent that are further up already."""
    new: list[Message] | None
    answer: list[Message] | None


class TranscriptData(msgspec.Struct, kw_only=True):
    """A page of the transcript. `data` is null while a large trace is being put in order."""

    data: list[TranscriptStep] | None
    count: int
    next_cursor: str | None
    prev_cursor: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """One step as it is shown; without ``told`` it is too long for the page."""

    span: SpanRow
    after: timedelta
    told: Told | None
    new: list[Turn] = field(default_factory=list)
    answer: list[Turn] = field(default_factory=list)


@twin("/project/<project_id>/traces/<id:trace_id>/transcript")
def trace_transcript(project_id: str, trace_id: str) -> Shown:
    """Show the conversation from ``cursor`` on."""
    found = find_trace(project_id, trace_id)
    page = read_transcript(project_id, trace_id, request.args.get("cursor"))
    told = _told(page) if page else []
    chosen = Choice.of(found, request.args.get("span"))
    return Shown(
        "traces/transcript.html",
        context=lambda: {
            **common(found),
            "view": "transcript",
            "page": page,
            "steps": _said(told, found),
            "selected": chosen.span_id,
            "panel": panel_of(chosen),
            "keep": "",
        },
        data=lambda: TranscriptData(
            data=[_data(step, one, project_id) for step, one in told] if page else None,
            count=page.count if page else 0,
            next_cursor=page.later if page else None,
            prev_cursor=page.earlier if page else None,
        ),
    )


def _told(page: TranscriptPage) -> list[tuple[TranscriptEntry, Told | None]]:
    teller = Teller()
    # What the steps before this page said is known to who reads on from there.
    for step in page.before:
        if step.spoken:
            teller.tell(step.spoken)
    return [(step, teller.tell(step.spoken) if step.spoken else None) for step in page.steps]


def _said(told: list[tuple[TranscriptEntry, Told | None]], trace: TraceDetail) -> list[Said]:
    reader = Reader()
    return [
        Said(
            span=step.span,
            after=step.span.start_time - trace.start_time,
            told=one,
            new=reader.turns(one.new, "/input") if one else [],
            answer=reader.turns(one.answer, "/output") if one else [],
        )
        for step, one in told
    ]


def _data(step: TranscriptEntry, told: Told | None, project_id: str) -> TranscriptStep:
    return TranscriptStep(
        span=traces.span_summary(step.span, project_id),
        again=told.again if told else 0,
        new=told.new if told else None,
        answer=told.answer if told else None,
    )
