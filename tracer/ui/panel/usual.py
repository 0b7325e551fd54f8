"""Sentences that rank the figures of a trace or span among those of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tracer.store.measure.context.standing import Measured, standings
from tracer.store.traces.span_detail import SpanDetail
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.measured import measured_span, measured_trace
from tracer.ui.render.format import count, duration, money

_WORDS: Final = {
    "latency": ("slower", "faster", ""),
    "first_token": ("slower", "faster", " to the first token"),
    "tokens": ("more tokens", "fewer tokens", ""),
    "cost": ("dearer", "cheaper", ""),
}


@dataclass(frozen=True, slots=True)
class Usual:
    """A sentence like ``slower than 97 % of retrieve_docs in 7 days (p50 120 ms)``."""

    text: str
    high: bool
    """Whether the figure is over the p95 of its name."""


def usual_trace(trace: TraceRow) -> list[Usual]:
    """Return where a trace stands among those of its name."""
    return _sentences(trace.project_id, measured_trace(trace))


def usual_span(project_id: str, span: SpanDetail) -> list[Usual]:
    """Return where a span stands among those of its kind and name."""
    return _sentences(project_id, measured_span(span))


def _sentences(project_id: str, measured: Measured) -> list[Usual]:
    by_measure = standings(project_id, [measured]).get(measured.key, {})
    return [
        Usual(in_words(name, each.percentile, measured.name, _shown(name, each.p50)), each.high)
        for name in _WORDS
        if (each := by_measure.get(name)) is not None
    ]


def in_words(measure: str, percentile: float, name: str, half: str) -> str:
    """Return a sentence like ``slower than 97 % of answer in 7 days (p50 1 s)``; half: the p50."""
    more, less, what = _WORDS[measure]
    words, share = (more, percentile) if percentile >= 50 else (less, 100 - percentile)
    return f"{words}{what} than {min(99, round(share))} % of {name} in 7 days (p50 {half})"


def _shown(name: str, value: float) -> str:
    if name == "cost":
        return money(Decimal(value))
    return count(round(value)) if name == "tokens" else duration(timedelta(seconds=value))
