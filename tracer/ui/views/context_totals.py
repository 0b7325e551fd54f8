"""The part on context of a trace's statistics: what was sent again, and the size of each input."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.analysis.context.totals import ContextTotals, Step
from tracer.ui.render.format import count, money


@dataclass(frozen=True, slots=True)
class TotalsView:
    """The content of the part; heights are percent of the largest input."""

    heading: str
    detail: str
    bars: list[tuple[Step, float, float]]
    """Each call with the heights of its whole input and of what was sent before."""
    growers: list[Step]


def view_totals(totals: ContextTotals) -> TotalsView | None:
    """Return the view; None: fewer than two calls can be compared, or nothing was sent again."""
    if len(totals.steps) < 2 or not totals.sent_before:
        return None
    most = max(step.input_tokens for step in totals.steps) or 1
    words = [
        f"about {count(totals.sent_before)} of {count(totals.input_tokens)} input tokens"
        f" in {len(totals.steps):,} model calls"
    ]
    if totals.cache_read is not None:
        words.append(f"{count(totals.cache_read)} read from caches")
    if totals.avoidable_cost:
        words.append(f"caching all of it would have saved {money(totals.avoidable_cost)}")
    return TotalsView(
        heading=f"{totals.share:.0f} % of the input was sent again",
        detail="; ".join(words),
        bars=[
            (
                step,
                100 * step.input_tokens / most,
                100 * (step.input_tokens - step.new_tokens) / most,
            )
            for step in totals.steps
        ],
        growers=totals.growers,
    )
