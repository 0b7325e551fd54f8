"""The panel beside the tree: one span, or the trace itself where none is selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tracer.records import Json
from tracer.store.scores import ScoreRow
from tracer.store.spans import SpanDetail
from tracer.store.traces import TraceDetail
from tracer.ui import jsonview
from tracer.ui.body import Body, Reader
from tracer.ui.events import Event, read_event, took
from tracer.ui.format import count, duration, money, stamp, whole
from tracer.ui.usage import UsageRow, cost_note, usage_rows

_MOST_RAW = 400_000


@dataclass(frozen=True, slots=True)
class Flag:
    """What a reader must know of a span: a word for its row, a sentence for its panel."""

    short: str
    text: str


FLAGS = {
    "truncated": Flag("cut", "A value was longer than this server keeps, and was cut."),
    "cleaned": Flag("cleaned", "It held characters or numbers that can't be stored as they were."),
    "dropped": Flag("dropped", "The SDK left something out before it was sent."),
    "self_parent": Flag("own parent", "It names itself as its parent, so it is shown as a root."),
    "cycle": Flag("circle", "Its parents form a circle, so it is shown flat."),
    "end_before_start": Flag("clock", "It ended before it started: two clocks disagree."),
}
NOT_RECEIVED = (
    "This span has not arrived: the spans under it name it as their parent."
    " Its own record will take this place."
)


@dataclass(slots=True)
class Section:
    """A headed part of a tab; ``empty`` says why there is nothing."""

    title: str
    id: str
    body: Body
    empty: str = ""
    note: str = ""
    output: bool = False


@dataclass(slots=True)
class Panel:
    """What the template shows of one tab."""

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
    failure: str = ""
    sections: list[Section] = field(default_factory=list)
    usage: list[UsageRow] = field(default_factory=list)
    usage_total: UsageRow | None = None
    usage_note: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    links: list[dict[str, Json]] = field(default_factory=list)
    scores: Sequence[ScoreRow] = ()
    dump: str = ""


def span_panel(
    span: SpanDetail, scores: Sequence[ScoreRow], tab: str, *, raw: bool, now: datetime
) -> Panel:
    """Return the panel of a span; an unknown ``tab`` is the first."""
    tabs = [
        ("io", "Input / Output", 0),
        ("metadata", "Metadata", 0),
        ("events", "Events", len(span.events)),
        ("scores", "Scores", len(scores)),
        ("raw", "Raw", 0),
    ]
    if span.placeholder:
        tabs = tabs[:1]
    panel = Panel(
        title=span.name or ("not received" if span.placeholder else "unnamed"),
        kind=span.kind,
        failed=span.status == "error",
        model=span.model,
        subject=span.span_id,
        span_id=span.span_id,
        tab=_known(tab, tabs),
        tabs=tabs,
        raw=raw,
        figures=_span_figures(span, now),
        flags=[FLAGS[flag].text if flag in FLAGS else flag for flag in span.flags],
        failure=span.status_message or "" if span.status == "error" else "",
    )
    if span.placeholder:
        panel.flags = [NOT_RECEIVED]
    elif panel.tab == "io":
        _add_span_io(panel, span)
    elif panel.tab == "metadata":
        _add_span_metadata(panel, span)
    elif panel.tab == "events":
        panel.events = [
            read_event(event, n, span.start_time) for n, event in enumerate(span.events)
        ]
    elif panel.tab == "scores":
        panel.scores = scores
    else:
        panel.dump = jsonview.dump(document(span))[:_MOST_RAW]
    return panel


def trace_panel(
    trace: TraceDetail, scores: Sequence[ScoreRow], tab: str, *, raw: bool, now: datetime
) -> Panel:
    """Return the panel of a trace itself; an unknown ``tab`` is the first."""
    tabs = [
        ("io", "Input / Output", 0),
        ("metadata", "Metadata", 0),
        ("scores", "Scores", len(scores)),
    ]
    panel = Panel(
        title=trace.name or "unnamed",
        kind="trace",
        failed=trace.status == "error",
        model=None,
        subject=trace.trace_id,
        span_id=None,
        tab=_known(tab, tabs),
        tabs=tabs,
        raw=raw,
        figures=[],
        flags=[],
        failure=trace.error_message or "" if trace.status == "error" else "",
    )
    if panel.tab == "io":
        read = Reader().read
        running, failed = trace.status == "running", panel.failed
        panel.sections = [
            Section("Input", "input", read(trace.input, "/input", raw=raw), _no_input("trace")),
            Section(
                "Output",
                "output",
                read(trace.output, "/output", output=True, raw=raw),
                _no_output("trace", running, failed),
                output=True,
            ),
        ]
        panel.usage, panel.usage_total = usage_rows(
            trace.usage, {}, trace.total_tokens, trace.total_cost
        )
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
        panel.sections = [_json_section("Metadata", "metadata", trace.metadata)]
    else:
        panel.scores = scores
    return panel


def document(row: SpanDetail | TraceDetail) -> dict[str, Json]:
    """Return the stored record as JSON, which pointers of the JSON view point into."""
    return {name: _plain(value) for name, value in asdict(row).items()}


def _plain(value: Any) -> Json:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def _known(tab: str, tabs: Sequence[tuple[str, str, int]]) -> str:
    return tab if any(tab == name for name, _, _ in tabs) else tabs[0][0]


def _span_figures(span: SpanDetail, now: datetime) -> list[tuple[str, str]]:
    length = took(span.start_time, span.end_time or now) if not span.placeholder else None
    first = took(span.start_time, span.first_token_time) if span.first_token_time else None
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
    streaming = took(span.first_token_time or span.start_time, span.end_time)
    seconds = streaming.total_seconds()
    return f"{span.output_tokens / seconds:.0f} tok/s" if seconds > 0 else ""


def _add_span_io(panel: Panel, span: SpanDetail) -> None:
    read = Reader().read
    running, failed = span.status == "running", span.status == "error"
    panel.sections = [
        Section(
            "Input",
            "input",
            read(span.input, "/input", raw=panel.raw),
            _no_input("span"),
            _note(span, "input"),
        ),
        Section(
            "Output",
            "output",
            read(span.output, "/output", output=True, raw=panel.raw),
            _no_output("span", running, failed),
            _note(span, "output"),
            output=True,
        ),
    ]
    panel.usage, panel.usage_total = usage_rows(
        span.usage, span.cost, span.total_tokens, span.total_cost
    )
    panel.usage_note = cost_note(span)
    if span.model_parameters:
        panel.sections.append(
            _json_section("Model parameters", "model_parameters", span.model_parameters)
        )


def _add_span_metadata(panel: Panel, span: SpanDetail) -> None:
    prompt = span.prompt_name or ""
    if prompt and span.prompt_version is not None:
        prompt += f", version {span.prompt_version}"
    panel.facts = [
        ("Span id", span.span_id),
        ("Parent id", span.parent_span_id or ""),
        ("Kind", span.kind),
        ("Level", span.level if span.level != "default" else ""),
        ("Status", span.status_message or ""),
        ("Started", stamp(span.start_time)),
        ("Ended", stamp(span.end_time)),
        ("Model", span.model or ""),
        ("Asked for", asked if (asked := span.requested_model or "") != span.model else ""),
        ("Provider", span.provider or ""),
        ("Prompt", prompt),
        ("Understood as", span.dialect or ""),
    ]
    panel.facts = [(name, text) for name, text in panel.facts if text]
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
            panel.sections.append(_json_section(title, name, value, _note(span, name)))


def _json_section(title: str, name: str, value: Json, note: str = "") -> Section:
    body = Body(json=jsonview.view(value, f"/{name}")) if value else Body()
    return Section(
        title,
        name,
        body,
        f"No {title.lower()} were sent." if title[-1] == "s" else f"No {title.lower()} was sent.",
        note,
    )


def _no_input(noun: str) -> str:
    return f"The application sent no input for this {noun}."


def _no_output(noun: str, running: bool, failed: bool) -> str:
    if running:
        return f"None yet: this {noun} is still running."
    return (
        f"None: this {noun} failed."
        if failed
        else f"The application sent no output for this {noun}."
    )


def _note(span: SpanDetail, name: str) -> str:
    note = span.notes.get(name)
    if not isinstance(note, dict):
        return ""
    size = note.get("size")
    if note.get("truncated"):
        return f"cut, was {size:,} bytes" if isinstance(size, int) else "cut"
    return ", ".join(str(word) for word in note)
