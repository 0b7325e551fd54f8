"""The sums of generated traces for the rollups, as the writer would append them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tracer.merging.figures import Figures
from tracer.store.rollups.sums import Deltas, Measured, add_spans, add_trace


class MeasuredSpan(NamedTuple):
    """The columns of a span that rollups sum; times in µs."""

    kind: str
    name: str
    start_time: int
    end_time: int
    level: str
    model: str | None
    status_message: str | None
    first_token_time: None = None
    provider: str | None = None


def add(
    deltas: Deltas,
    trace: Figures,
    spans: list[tuple[MeasuredSpan, tuple[int, int] | None]],
) -> None:
    """Add a trace, and its spans with their (input, output) tokens."""
    add_trace(deltas, trace, 1)
    add_spans(deltas, trace.environment, [_measured(*span) for span in spans], 1)


def _measured(span: MeasuredSpan, tokens: tuple[int, int] | None) -> Measured:
    if tokens is None:
        return span, {}, None
    return span, usage(tokens), cost(tokens)


def usage(tokens: tuple[int, int]) -> dict[str, int]:
    """Return tokens by type."""
    return {"input": tokens[0], "output": tokens[1]}


def cost(tokens: tuple[int, int]) -> Decimal:
    """Return the cost of a call in dollars."""
    return Decimal(f"{tokens[0] * 2.5e-6 + tokens[1] * 1e-5:.6f}")
