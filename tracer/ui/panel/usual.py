"""Where the figures of a trace or span stand among those of its name, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tracer.measure.standing import Standing
from tracer.store.measure.standing import Measured, standings
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
    found = standings(project_id, [measured]).get(measured.key, {})
    return [Usual(_sentence(name, each, measured.name), each.high) for name, each in _sorted(found)]


def _sorted(found: Mapping[str, Standing]) -> list[tuple[str, Standing]]:
    return [(name, found[name]) for name in _WORDS if name in found]


def _sentence(name: str, standing: Standing, of: str) -> str:
    more, less, what = _WORDS[name]
    below = standing.percentile
    words, share = (more, below) if below >= 50 else (less, 100 - below)
    half = _shown(name, standing.p50)
    return f"{words}{what} than {min(99, round(share))} % of {of} in 7 days (p50 {half})"


def _shown(name: str, value: float) -> str:
    if name == "cost":
        return money(Decimal(value))
    return count(round(value)) if name == "tokens" else duration(timedelta(seconds=value))
