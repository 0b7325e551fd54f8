"""Ranks a trace or span among those of the same name: in words, and with distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import abort, request

from tracer.errors import NotFound, TooSlow
from tracer.measure.answer import Bin
from tracer.measure.question import Question
from tracer.query.values import written_text
from tracer.store.measure.answer import answer
from tracer.store.measure.context.standing import Measured
from tracer.store.traces.span_detail import get_span
from tracer.store.traces.traces import get_row
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.measured import measured_span, measured_trace
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.charts.histograms import histogram
from tracer.ui.charts.model import Drawing
from tracer.ui.charts.units import Unit, shown
from tracer.ui.dashboards.links import Lists
from tracer.ui.dashboards.series import bins
from tracer.ui.panel.usual import in_words
from tracer.ui.render.time_zone import visitor_clock

PERIOD: Final = "-7d"
_MIN_ROWS: Final = 10
"""With fewer rows no rank is shown."""
_FIGURES: Final = {
    "latency": ("Duration", Unit.SECONDS),
    "tokens": ("Tokens", Unit.COUNT),
    "cost": ("Cost", Unit.DOLLARS),
    "first_token": ("First token", Unit.SECONDS),
}
"""The label and unit of what is measured of a trace or span, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a trace or span."""

    field: str
    label: str
    unit: Unit
    value: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a figure stands among those of its name: a sentence, and the distribution."""

    label: str
    sentence: str
    high: bool
    """Whether it is over the p95 of its name."""
    drawing: Drawing | None = None


@dataclass(frozen=True, slots=True)
class _Subject:
    """A trace or span: its name, the grain and query of those like it, its figures."""

    name: str
    grain: str
    query: str
    figures: list[Figure]


@html_and_json("/project/<project_id>/traces/<id:trace_id>/standing")
def standing(project_id: str, trace_id: str) -> Representations:
    """Show where a trace, or its span ``id``, stands among those of its name in 7 days."""
    subject = _subject(project_id, trace_id, request.args.get("id", ""))
    standings, error = [], ""
    try:
        standings = [_standing(project_id, subject, figure) for figure in subject.figures]
    except TooSlow:
        error = "Counting the others of this name takes too long."
    return Representations(
        "dashboards/_standing.html" if is_fragment() else "dashboards/standing.html",
        context=lambda: {
            "subject": subject,
            "standings": standings,
            "error": error,
            "list_url": Lists(project_id, subject.grain).url(f"{subject.query} start:>{PERIOD}"),
            "project_id": project_id,
            "trace_id": trace_id,
            "span_id": request.args.get("id", ""),
        },
        data=lambda: {
            "name": subject.name,
            "grain": subject.grain,
            "query": f"{subject.query} start:>{PERIOD}",
            "standings": [
                {"figure": each.label, "sentence": each.sentence, "over_p95": each.high}
                for each in standings
            ],
            "error": error or None,
        },
    )


def _subject(project_id: str, trace_id: str, span_id: str) -> _Subject:
    if span_id:
        span = get_span(project_id, trace_id, span_id)
        if span is None or span.name is None:
            abort(404, f"This trace has no span “{span_id}”.")
        grain = "generations" if span.kind == "generation" else "spans"
        query = f"name:{written_text(span.name)} kind:{span.kind}"
        return _Subject(span.name, grain, query, _figures(measured_span(span)))
    trace = get_row(project_id, trace_id)
    if trace is None:
        raise NotFound.of("trace", trace_id)
    query = f"name:{written_text(trace.name)}"
    return _Subject(trace.name, "traces", query, _figures(measured_trace(trace)))


def _figures(measured: Measured) -> list[Figure]:
    return [
        Figure(name, label, unit, float(value))
        for name, (label, unit) in _FIGURES.items()
        if (value := getattr(measured, name)) is not None
    ]


def _standing(project_id: str, subject: _Subject, figure: Figure) -> Standing:
    question = Question(
        grain=subject.grain,  # type: ignore[arg-type]
        shape="histogram",
        field=figure.field,
        query=subject.query,
        since=PERIOD,
    )
    counted = answer(project_id, question, visitor_clock())
    drawing = histogram(
        bins(counted, Lists(project_id, subject.grain).url),
        figure.unit,
        subject.grain,
        marked=figure.value,
    )
    below = rank(counted.bins, figure.value)
    total = sum(each.count for each in counted.bins)
    if below is None or total < _MIN_ROWS:
        sentence = f"{figure.label}: too few of this name in 7 days to compare"
        return Standing(figure.label, sentence, False, drawing)
    half = shown(quantile(counted.bins, 0.5), figure.unit)
    sentence = in_words(figure.field, below, subject.name, half)
    return Standing(figure.label, f"{sentence[:1].upper()}{sentence[1:]}", below >= 95, drawing)


def rank(counted: Sequence[Bin], value: float) -> float | None:
    """Return the percentage of values below one; its own bin is counted in proportion."""
    total = sum(each.count for each in counted)
    if not total:
        return None
    below = 0.0
    for each in counted:
        width = each.high - each.low
        if each.high < value or (each.high == value and width > 0):
            below += each.count
        elif each.low <= value:
            below += each.count * ((value - each.low) / width if width > 0 else 0.5)
    return 100 * below / total


def quantile(counted: Sequence[Bin], share: float) -> float | None:
    """Return the value below which a share (0 to 1) of the values lies."""
    left = share * sum(each.count for each in counted)
    for each in counted:
        if each.count and left <= each.count:
            return each.low + (each.high - each.low) * left / each.count
        left -= each.count
    return None
