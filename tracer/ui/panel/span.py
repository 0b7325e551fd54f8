"""The panel of one span: its figures, and the tabs with messages, usage, metadata, scores …"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tracer import exact_json
from tracer.analysis.context.compare import Context
from tracer.mapping import mapping_of
from tracer.messages.conversation import ReadItem
from tracer.messages.message import read_item
from tracer.pricing.price_book import CUSTOM
from tracer.store.annotations.comments import CommentRow
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces.span_detail import SpanDetail
from tracer.store.traces.traces import TraceRow
from tracer.ui.panel.context import context_figures, view_context
from tracer.ui.panel.events import elapsed, read_event
from tracer.ui.panel.mapping import view_mapping
from tracer.ui.panel.new_messages import has_known, new_messages
from tracer.ui.panel.trace import (
    Panel,
    Section,
    document,
    json_section,
    known_tab,
    no_input,
    no_output,
)
from tracer.ui.panel.usage import cost_note, usage_rows
from tracer.ui.render import excerpt
from tracer.ui.render.flags import FLAGS
from tracer.ui.render.format import count, duration, money, stamp
from tracer.ui.render.messages import Renderer
from tracer.ui.waterfall.window import Zoom

_MAX_RAW = 50_000

_NOT_RECEIVED = (
    "This span has not been received: other spans name it as their parent."
    " Once it arrives, it is shown here."
)
_ONLY_LOGS = (
    "This span has not been received: its content is from log records that name it."
    " Once it arrives, it is shown here."
)


def span_panel(
    span: SpanDetail,
    trace: TraceRow,
    scores: Sequence[ScoreRow],
    comments: Sequence[CommentRow],
    tab: str,
    *,
    raw: bool,
    now: datetime,
    context: Context | None = None,
    everything: bool = True,
    read: ReadItem = read_item,
) -> Panel:
    """Return the panel of a span of ``trace``; for an unknown ``tab`` the first is shown.

    ``everything``: also show the messages that, by the ``context``, were sent before. ``read``: a
    cached `read_item`.
    """
    tabs = [
        ("io", "Input / Output", 0),
        ("metadata", "Metadata", 0),
        ("events", "Events", len(span.events)),
        *([("context", "Context", 0)] if span.kind == "generation" else []),
        ("scores", "Scores", len(scores)),
        ("comments", "Comments", len(comments)),
        ("mapping", "Mapping", 0),
        ("raw", "Raw", 0),
    ]
    # Only the id of a placeholder is known, and the content of its log events.
    if span.placeholder:
        tabs = tabs[:1]
    panel = Panel(
        title=span.name or ("not received" if span.placeholder else "unnamed"),
        kind=span.kind,
        failed=span.status == "error",
        model=span.model,
        subject=span.span_id,
        span_id=span.span_id,
        tab=known_tab(tab, tabs),
        tabs=tabs,
        raw=raw,
        figures=_span_figures(span, now),
        flags=[FLAGS[flag].text if flag in FLAGS else flag for flag in span.flags],
        zoom="" if span.placeholder else str(Zoom.around(span.start_time, span.end_time)),
        failure=span.status_message or "" if span.status == "error" else "",
        context=view_context(context),
    )
    if context is not None:
        panel.figures += context_figures(context)
    if span.placeholder:
        panel.flags = [_ONLY_LOGS if span.events else _NOT_RECEIVED]
        if span.events:
            _add_span_io(panel, span, None, everything=True)
    elif panel.tab == "io":
        _add_span_io(panel, span, context, everything=everything, read=read)
    elif panel.tab == "metadata":
        _add_span_metadata(panel, span)
    elif panel.tab == "events":
        panel.events = [
            read_event(event, n, span.start_time) for n, event in enumerate(span.events)
        ]
    elif panel.tab == "scores":
        panel.scores = scores
    elif panel.tab == "comments":
        panel.comments = comments
    elif panel.tab == "mapping":
        panel.mapping = view_mapping(mapping_of(span, trace))
    elif panel.tab == "raw":
        panel.dump, panel.dump_size = excerpt.excerpt(
            exact_json.to_indented_text(document(span)), _MAX_RAW
        )
    return panel


def _span_figures(span: SpanDetail, now: datetime) -> list[tuple[str, str]]:
    length = elapsed(span.start_time, span.end_time or now) if not span.placeholder else None
    first = elapsed(span.start_time, span.first_token_time) if span.first_token_time else None
    figures = [
        ("Duration" if span.end_time else "Running for", duration(length)),
        ("First token", duration(first)),
        ("Speed", _speed(span)),
        ("Tokens", count(span.total_tokens)),
        ("Cost", money(span.total_cost)),
    ]
    return [(name, text) for name, text in figures if text]


def _speed(span: SpanDetail) -> str:
    if not span.output_tokens or span.end_time is None or span.kind != "generation":
        return ""
    # Without the wait for the first token, which is a figure of its own.
    streaming = elapsed(span.first_token_time or span.start_time, span.end_time)
    seconds = streaming.total_seconds()
    return f"{span.output_tokens / seconds:.0f} tok/s" if seconds > 0 else ""


def _add_span_io(
    panel: Panel,
    span: SpanDetail,
    context: Context | None,
    *,
    everything: bool,
    read: ReadItem = read_item,
) -> None:
    renderer = Renderer()
    render = renderer.render
    input_body = None
    if context is not None and has_known(context):
        panel.everything = everything
        if not everything:
            input_body = new_messages(span.input, context, renderer, read)
    running, failed = span.status == "running", span.status == "error"
    panel.sections = [
        Section(
            "Input",
            "input",
            input_body or render(span.input, "/input", raw=panel.raw),
            no_input("span"),
            _note(span, "input"),
        ),
        Section(
            "Output",
            "output",
            render(span.output, "/output", output=True, raw=panel.raw),
            no_output("span", running, failed),
            _note(span, "output"),
            output=True,
            detail=_how_it_ended(span),
        ),
    ]
    panel.usage, panel.usage_total = usage_rows(
        span.usage, span.cost, span.total_tokens, span.total_cost
    )
    panel.usage_note = cost_note(span)
    panel.price_id = span.priced_by or "" if span.cost_source == CUSTOM else ""
    panel.unpriced_model = span.model or "" if span.usage and span.cost_source is None else ""
    if span.tools:
        panel.sections.append(json_section("Tools offered", "tools", span.tools))
    if span.model_parameters:
        panel.sections.append(
            json_section("Model parameters", "model_parameters", span.model_parameters)
        )


def _add_span_metadata(panel: Panel, span: SpanDetail) -> None:
    prompt = span.prompt_name or ""
    if prompt and span.prompt_version is not None:
        prompt += f", version {span.prompt_version}"
    requested = "" if span.requested_model == span.model else span.requested_model or ""
    facts = [
        ("Span id", span.span_id),
        ("Parent id", span.parent_span_id or ""),
        ("Parent as sent", span.sent_parent_id or ""),
        ("Kind", span.kind),
        ("Level", span.level if span.level != "default" else ""),
        ("Status", span.status_message or ""),
        ("Started", stamp(span.start_time)),
        ("Ended", stamp(span.end_time)),
        ("Model", span.model or ""),
        ("Requested model", requested),
        ("Provider", span.provider or ""),
        ("Prompt", prompt),
        ("Dialect", span.dialect or ""),
    ]
    panel.facts = [(name, text) for name, text in facts if text]
    panel.links = span.links
    for title, name in (
        ("Metadata", "metadata"),
        ("Attributes", "attributes"),
        ("Resource", "resource"),
        ("Scope", "scope"),
        ("Notes", "notes"),
    ):
        value = getattr(span, name)
        if value or name == "metadata":
            panel.sections.append(json_section(title, name, value, _note(span, name)))


def _how_it_ended(span: SpanDetail) -> str:
    output = span.usage.get("output")
    ended = ", ".join(span.finish_reasons)
    words = [f"{output:,} tokens" if output else "", f"stopped at {ended}" if ended else ""]
    return ", ".join(word for word in words if word)


def _note(span: SpanDetail, name: str) -> str:
    # Notes are stored by field, and shown beside the field's value.
    note = span.notes.get(name)
    if not isinstance(note, dict):
        return ""
    size = note.get("size")
    if note.get("truncated"):
        return f"truncated from {size:,} bytes" if isinstance(size, int) else "truncated"
    return ", ".join(str(word) for word in note)
