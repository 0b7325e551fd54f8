"""The figures of generated traces for the rollups, as the writer would append them."""

from __future__ import annotations

from decimal import Decimal

from tracer.store.rollups.sums import SpanFigures, failure


def span_figures(
    kind: str,
    name: str,
    times: tuple[int, int],
    level: str,
    message: str,
    model: str | None,
    tokens: tuple[int, int] | None,
) -> SpanFigures:
    """Return the figures of a span; times in µs, ``tokens``: input and output of a call."""
    provider = "openai" if model else None
    used = usage(tokens) if tokens else {}
    paid = cost(tokens) if tokens else None
    failed = failure(level, message)
    return SpanFigures(kind, name, model, provider, *times, None, *failed, used, paid)


def usage(tokens: tuple[int, int]) -> dict[str, int]:
    """Return tokens by type."""
    return {"input": tokens[0], "output": tokens[1]}


def cost(tokens: tuple[int, int]) -> Decimal:
    """Return the cost of a call in dollars."""
    return Decimal(f"{tokens[0] * 2.5e-6 + tokens[1] * 1e-5:.6f}")
