"""How usual a trace or span is among those of its name: ranks in words, and the distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import abort, request

from tracer.errors import TooSlow
from tracer.measure.answer import Bin
from tracer.measure.question import Question
from tracer.query.values import written_text
from tracer.store.measure.answer import answer
from tracer.store.traces.span_detail import get_span
from tracer.store.traces.traces import get_row
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.charts.histograms import histogram
from tracer.ui.charts.model import Drawing
from tracer.ui.charts.units import Unit, shown
from tracer.ui.dashboards.links import Lists
from tracer.ui.dashboards.series import bins

PERIOD: Final = "-7d"
_FEW: Final = 10
"""Of fewer rows no rank is given."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a trace or span: its field, what more of it is called, and what less is."""

    field: str
    label: str
    unit: Unit
    more: str
    less: str
    value: float | None


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
        standings = [
            _standing(project_id, subject, figure)
            for figure in subject.figures
            if figure.value is not None
        ]
    except TooSlow:
        error = "Counting those of this name takes too long."
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
            abort(404, "There is no such span.")
        generation = span.kind == "generation"
        first = span.first_token_time - span.start_time if span.first_token_time else None
        figures = _figures(span.start_time, span.end_time, span.total_tokens, span.total_cost)
        if first is not None:
            figures.append(_duration("first_token", "First token", first))
        query = f"name:{written_text(span.name)} kind:{span.kind}"
        return _Subject(span.name, "generations" if generation else "spans", query, figures)
    trace = get_row(project_id, trace_id)
    if trace is None:
        abort(404, f"There is no trace “{trace_id}”.")
    end = None if trace.status == "running" else trace.end_time
    figures = _figures(trace.start_time, end, trace.total_tokens, trace.total_cost)
    return _Subject(trace.name, "traces", f"name:{written_text(trace.name)}", figures)


def _figures(
    start: datetime, end: datetime | None, tokens: int | None, cost: object
) -> list[Figure]:
    return [
        _duration("latency", "Duration", end - start if end else None),
        Figure("tokens", "Tokens", Unit.COUNT, "More tokens", "Fewer tokens", _number(tokens)),
        Figure("cost", "Cost", Unit.DOLLARS, "Dearer", "Cheaper", _number(cost)),
    ]


def _duration(field: str, label: str, value: timedelta | None) -> Figure:
    seconds = value.total_seconds() if value is not None else None
    what = "" if field == "latency" else " to the first token"
    return Figure(field, label, Unit.SECONDS, f"Slower{what}", f"Faster{what}", seconds)


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))


def _standing(project_id: str, subject: _Subject, figure: Figure) -> Standing:
    question = Question(
        grain=subject.grain,  # type: ignore[arg-type]
        shape="histogram",
        field=figure.field,
        query=subject.query,
        since=PERIOD,
    )
    counted = answer(project_id, question)
    assert figure.value is not None
    drawing = histogram(
        bins(counted, Lists(project_id, subject.grain).url),
        figure.unit,
        subject.grain,
        marked=figure.value,
    )
    below = rank(counted.bins, figure.value)
    total = sum(each.count for each in counted.bins)
    if below is None or total < _FEW:
        sentence = f"{figure.label}: too few of this name in 7 days to tell"
        return Standing(figure.label, sentence, False, drawing)
    half = shown(quantile(counted.bins, 0.5), figure.unit)
    faster = below < 50
    share = round(100 - below if faster else below)
    sentence = (
        f"{figure.less if faster else figure.more} than {min(99, share)} % of {subject.name} "
        f"in 7 days (p50 {half})"
    )
    return Standing(figure.label, sentence, below >= 95, drawing)


def rank(counted: Sequence[Bin], value: float) -> float | None:
    """Return the percentage of values that lie below one; within its bin they count by place."""
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


def quantile(counted: Sequence[Bin], part: float) -> float | None:
    """Return the value below which a part of the values lies."""
    left = part * sum(each.count for each in counted)
    for each in counted:
        if each.count and left <= each.count:
            return each.low + (each.high - each.low) * left / each.count
        left -= each.count
    return None
