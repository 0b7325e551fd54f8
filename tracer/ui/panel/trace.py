"""The panel beside the tree: its parts, and the panel of the trace itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tracer.records import Json
from tracer.store.annotations.comments import CommentRow
from tracer.store.scores.scores import ScoreKind, ScoreRow
from tracer.store.traces.span_detail import SpanDetail
from tracer.store.traces.traces import TraceDetail
from tracer.ui.panel.context import ContextView
from tracer.ui.panel.events import Event
from tracer.ui.panel.mapping import MappingView
from tracer.ui.panel.usage import UsageRow, usage_rows
from tracer.ui.panel.usual import Usual
from tracer.ui.render import json_tree
from tracer.ui.render.format import stamp, whole
from tracer.ui.render.messages import Body, Renderer


@dataclass(slots=True)
class Section:
    """A part of a tab with a heading; ``empty`` is shown instead of an empty body."""

    title: str
    id: str
    body: Body
    empty: str = ""
    note: str = ""
    """How the value was changed when it was received, such as truncated."""
    detail: str = ""
    """Facts about the value, such as its number of tokens."""
    output: bool = False


@dataclass(slots=True)
class Panel:
    """The content of the panel in one tab."""

    title: str
    kind: str
    failed: bool
    model: str | None
    subject: str
    """The id to copy."""
    span_id: str | None
    tab: str
    tabs: list[tuple[str, str, int]]
    raw: bool
    figures: list[tuple[str, str]]
    flags: list[str]
    zoom: str = ""
    """The zoom that shows the span, for an address."""
    failure: str = ""
    sections: list[Section] = field(default_factory=list)
    usage: list[UsageRow] = field(default_factory=list)
    usage_total: UsageRow | None = None
    usage_note: str = ""
    price_id: str = ""
    """The project's price that the cost was computed from."""
    unpriced_model: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    links: list[dict[str, Json]] = field(default_factory=list)
    scores: Sequence[ScoreRow] = ()
    score_kinds: Sequence[ScoreKind] = ()
    """Scores that the form suggests."""
    comments: Sequence[CommentRow] = ()
    mapping: MappingView | None = None
    context: ContextView | None = None
    everything: bool | None = None
    """Whether the input has the messages that were sent before; None: there are none."""
    usual: Sequence[Usual] = ()
    """Where its figures stand among those of its name."""
    dump: str = ""
    dump_size: str = ""
    """The size of the whole record, if ``dump`` is its beginning."""


def trace_panel(
    trace: TraceDetail,
    scores: Sequence[ScoreRow],
    comments: Sequence[CommentRow],
    tab: str,
    *,
    raw: bool,
) -> Panel:
    """Return the panel of a trace itself; an unknown ``tab`` is the first."""
    tabs = [
        ("io", "Input / Output", 0),
        ("metadata", "Metadata", 0),
        ("scores", "Scores", len(scores)),
        ("comments", "Comments", len(comments)),
    ]
    panel = Panel(
        title=trace.name or "unnamed",
        kind="trace",
        failed=trace.status == "error",
        model=None,
        subject=trace.trace_id,
        span_id=None,
        tab=known_tab(tab, tabs),
        tabs=tabs,
        raw=raw,
        figures=[] if trace.span_count else _without_spans(trace),
        flags=[],
        failure=trace.error_message or "" if trace.status == "error" else "",
    )
    if panel.tab == "io":
        render = Renderer().render
        running, failed = trace.status == "running", panel.failed
        panel.sections = [
            Section("Input", "input", render(trace.input, "/input", raw=raw), no_input("trace")),
            Section(
                "Output",
                "output",
                render(trace.output, "/output", output=True, raw=raw),
                no_output("trace", running, failed),
                output=True,
            ),
        ]
        panel.usage, panel.usage_total = usage_rows(
            trace.usage, trace.cost, trace.total_tokens, trace.total_cost
        )
        for row in panel.usage:
            row.price = None  # a mean over several models would not be a price
        panel.usage_note = (
            f"{trace.unpriced_count} without a known price" if trace.unpriced_count else ""
        )
    elif panel.tab == "metadata":
        panel.facts = [
            ("Trace id", trace.trace_id),
            ("Started", stamp(trace.start_time)),
            ("Ended", "" if trace.status == "running" else stamp(trace.end_time)),
            ("Spans", ", ".join(f"{whole(n)} {kind}" for kind, n in trace.kinds.items())),
            ("Models", ", ".join(trace.models)),
        ]
        panel.sections = [json_section("Metadata", "metadata", trace.metadata)]
    elif panel.tab == "comments":
        panel.comments = comments
    else:
        panel.scores = scores
    return panel


def _without_spans(trace: TraceDetail) -> list[tuple[str, str]]:
    """Return the figures of a trace that consists of what was sent for it as a whole."""
    return [
        ("Status", trace.status.capitalize()),
        ("Started", stamp(trace.start_time)),
        ("Spans", "none received"),
    ]


def document(row: SpanDetail | TraceDetail) -> dict[str, Json]:
    """Return the stored record as JSON; the pointers of the JSON tree refer to it."""
    return {name: _plain(value) for name, value in asdict(row).items()}


def _plain(value: Any) -> Json:
    if isinstance(value, datetime):
        return value.isoformat()
    # For display only; costs are added up as decimals.
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def known_tab(tab: str, tabs: Sequence[tuple[str, str, int]]) -> str:
    return tab if any(tab == name for name, _, _ in tabs) else tabs[0][0]


def json_section(title: str, name: str, value: Json, note: str = "") -> Section:
    body = Body(json=json_tree.view(value, f"/{name}")) if value else Body()
    return Section(
        title,
        name,
        body,
        f"No {title.lower()} were sent." if title[-1] == "s" else f"No {title.lower()} was sent.",
        note,
    )


def no_input(noun: str) -> str:
    return f"The application sent no input for this {noun}."


def no_output(noun: str, running: bool, failed: bool) -> str:
    if running:
        return f"None yet: this {noun} is still running."
    return (
        f"None: this {noun} failed."
        if failed
        else f"The application sent no output for this {noun}."
    )
