"""The transcript of a trace: its messages in time order, without those of earlier calls again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from flask import request, url_for

from tracer.analysis.log.words import Term, terms
from tracer.analysis.transcript import Added, Transcript, contains, whole
from tracer.messages.conversation import Message
from tracer.store.timeline.transcript import TranscriptEntry, TranscriptPage
from tracer.store.traces.span_tree import SpanRow
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.render.messages import Renderer, Turn
from tracer.ui.trace.context import Selection, find_shown, panel_of, trace_context
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


class Choice(NamedTuple):
    """The part of the transcript that the address selects."""

    words: str
    """Only messages that contain all of them; "": all messages."""
    whole: bool
    """Each input as it was sent, with the messages of earlier calls."""

    def url(self, trace: TraceRow) -> str:
        """Return the address of this choice, to which parameters can be appended."""
        path = url_for("ui.trace_transcript", project_id=trace.project_id, trace_id=trace.trace_id)
        chosen = {"q": self.words, "sent": "whole" if self.whole else ""}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{path}?{query}&" if query else f"{path}?"


class AddedEntry(NamedTuple):
    """An entry with the messages that it adds; None if they are too long for a page."""

    entry: TranscriptEntry
    added: Added | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of the page."""

    span: SpanRow
    offset: timedelta
    """Time since the start of the trace."""
    agent: SpanRow | None
    """The agent of the entry, if the entry before it belongs to another one."""
    added: Added | None
    others: int
    """The number of its messages that do not contain the words of the search."""
    new: list[Turn] = field(default_factory=list)
    answer: list[Turn] = field(default_factory=list)


@html_and_json("/project/<project_id>/traces/<id:trace_id>/transcript")
def trace_transcript(project_id: str, trace_id: str) -> Representations:
    """Show the transcript from ``cursor`` on.

    ``q``: only messages with these words; ``sent``: ``whole`` shows each input as it was sent.
    """
    args = request.args
    selected = args.get("span")
    trace = find_shown(project_id, trace_id, selected)
    choice = Choice(args.get("q", "").strip(), args.get("sent") == "whole")
    page = read_transcript(
        project_id, trace_id, args.get("cursor"), choice.words, whole=choice.whole
    )
    added_entries = _added_messages(page, choice) if page else []
    selection = Selection.read(trace, selected)
    return Representations(
        "views/transcript.html",
        context=lambda: {
            **trace_context(trace),
            **head_of(trace),
            "view": "transcript",
            "page": page,
            "choice": choice,
            "entries": list(_entry_views(added_entries, page, trace, choice)) if page else [],
            "selected": selection.span_id,
            "panel": panel_of(selection),
        },
        data=lambda: TranscriptData(
            data=[_data(each, project_id) for each in added_entries] if page else None,
            count=page.count if page else 0,
            next_cursor=page.later if page else None,
            prev_cursor=page.earlier if page else None,
        ),
    )


def _added_messages(page: TranscriptPage, choice: Choice) -> list[AddedEntry]:
    """Return the entries of a page with the messages that each one adds."""
    transcript = Transcript()
    # The previous page shows the messages of its entries, so this page does not show them again.
    for entry in () if choice.whole else page.previous_entries:
        if entry.step:
            transcript.add(entry.step)
    add = whole if choice.whole else transcript.add
    return [AddedEntry(entry, add(entry.step) if entry.step else None) for entry in page.entries]


def _entry_views(
    added_entries: Iterable[AddedEntry], page: TranscriptPage, trace: TraceRow, choice: Choice
) -> Iterator[EntryView]:
    """Yield the entries; of a search only those with messages that contain its words."""
    renderer = Renderer()
    words = terms(choice.words)
    before = page.previous_entries[-1].span.span_id if page.previous_entries else ""
    # The trace itself is its first agent's.
    speaker = page.agents[before].span_id if before in page.agents else trace.root_span_id
    for entry, added in added_entries:
        span = entry.span
        new = _with_words(added.new if added else [], words)
        answer = _with_words(added.answer if added else [], words)
        if words and added and not new and not answer:
            continue
        agent = page.agents.get(span.span_id)
        changed = agent is not None and agent.span_id != speaker
        speaker = agent.span_id if agent else speaker
        every = len(added.new) + len(added.answer) if added else 0
        yield EntryView(
            span=span,
            offset=span.start_time - trace.start_time,
            agent=agent if changed else None,
            added=added,
            others=every - len(new) - len(answer),
            new=_opened(renderer.turns(new, "/input"), bool(words)),
            answer=_opened(renderer.turns(answer, "/output"), bool(words)),
        )


def _with_words(messages: list[Message], words: list[Term]) -> list[Message]:
    return [message for message in messages if not words or contains(message, words)]


def _opened(turns: list[Turn], open_all: bool) -> list[Turn]:
    for turn in turns if open_all else ():
        turn.closed = False
    return turns


def _data(each: AddedEntry, project_id: str) -> EntryData:
    return EntryData(
        span=traces.span_summary(each.entry.span, project_id),
        again=each.added.repeated_count if each.added else 0,
        new=each.added.new if each.added else None,
        answer=each.added.answer if each.added else None,
    )
