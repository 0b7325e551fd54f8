"""Totals of repeated model input: of a trace in its statistics, and of a session."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.analysis.context.tool_results import UnusedResult
from tracer.analysis.context.totals import CallInput, ContextTotals
from tracer.ui.render.format import count, money


@dataclass(frozen=True, slots=True)
class TotalsView:
    """The content of the part; heights are percent of the largest input."""

    heading: str
    detail: str
    cost: str
    """The share of the cost that is for repeated input; empty: prices are not known."""
    bars: list[tuple[CallInput, float, float]]
    """Each call with the heights of its whole input and of its repeated part."""
    growers: list[CallInput]
    unused_results: list[UnusedResult]


def view_totals(totals: ContextTotals) -> TotalsView | None:
    """Return the view; None: fewer than two calls can be compared, or no input repeats."""
    if len(totals.steps) < 2 or not totals.sent_before:
        return None
    maximum = max(step.input_tokens for step in totals.steps) or 1
    detail = (
        f"about {count(totals.sent_before)} of {count(totals.input_tokens)} input tokens"
        f" in {len(totals.steps):,} model calls"
    )
    if totals.cache_read is not None:
        detail += f"; {count(totals.cache_read)} read from caches"
    return TotalsView(
        heading=f"{totals.share:.0f} % of the input was sent again",
        detail=detail,
        cost=_cost(totals),
        bars=[
            (
                step,
                100 * step.input_tokens / maximum,
                100 * (step.input_tokens - step.new_tokens) / maximum,
            )
            for step in totals.steps
        ],
        growers=totals.growers,
        unused_results=totals.unused_results,
    )


def _cost(totals: ContextTotals) -> str:
    if not totals.cost or not totals.repeated_cost:
        return ""
    share = 100 * totals.repeated_cost / totals.cost
    words = f"{share:.0f} % of the {money(totals.cost)} is history that was sent again"
    if totals.avoidable_cost:
        cached = money(totals.cost - totals.avoidable_cost)
        words += f"; cached as it could be, the calls would have cost {cached}"
    return f"{words}."
