"""The Context tab of a generation: repeated input, new input, reasons for cache misses."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.analysis.context.calls import InputCost
from tracer.analysis.context.compare import (
    CACHED,
    CHANGED,
    NEW,
    REPEATED,
    Context,
    ContextMessage,
)
from tracer.analysis.context.misses import (
    COMPACTED,
    EXPIRED,
    MESSAGE_CHANGED,
    TOOLS_CHANGED,
    TOOLS_REORDERED,
    UNKNOWN,
    Miss,
)
from tracer.analysis.word_diff import Piece
from tracer.ui.render.format import money, whole
from tracer.wording import plural

_MAX_SEGMENTS = 200
_LABELS = {
    CACHED: "cached",
    REPEATED: "known, not cached",
    CHANGED: "changed",
    NEW: "new",
}


@dataclass(frozen=True, slots=True)
class ContextView:
    """The content of the tab."""

    heading: str
    detail: str
    previous_id: str
    previous_name: str
    messages: list[ContextMessage]
    segments: list[ContextMessage]
    """The messages of the strip: those beyond the first 200 are left out."""
    legend: list[tuple[str, str, str]]
    """State, label and tokens."""
    miss_heading: str
    """Why the cache missed; empty: it did not, or that is unknown."""
    miss_detail: str
    difference: list[Piece]
    costs: list[InputCost]
    avoidable_cost: str
    """A sentence; empty: no cost was avoidable, or the price is unknown."""
    has_token_counts: bool
    """The tokens of messages are estimated; False: the call reports no input tokens."""


def view_context(context: Context | None) -> ContextView | None:
    """Return the view; None: the generation can't be compared."""
    if context is None:
        return None
    # Without a common message the earlier call is another conversation: nothing was missed.
    miss = context.miss if context.sent_before_share else None
    return ContextView(
        heading=f"{context.sent_before_share:.0f} % was sent before",
        detail=_detail(context),
        previous_id=context.previous_id,
        previous_name=context.previous_name or "unnamed",
        messages=context.messages,
        segments=context.messages[:_MAX_SEGMENTS],
        legend=_legend(context),
        miss_heading=_miss_heading(miss) if miss else "",
        miss_detail=_miss_detail(miss) if miss else "",
        difference=miss.difference if miss else [],
        costs=context.input_costs,
        avoidable_cost=_avoidable_cost(context),
        has_token_counts=context.input_tokens is not None,
    )


def context_figures(context: Context) -> list[tuple[str, str]]:
    """Return the figures of the panel: the shares of repeated and of cached input."""
    figures = [("Sent before", f"{context.sent_before_share:.0f} %")]
    if context.cache_read and context.input_tokens:
        figures.append(("From cache", f"{100 * context.cache_read / context.input_tokens:.0f} %"))
    return figures


def _detail(context: Context) -> str:
    if context.input_tokens is None or context.sent_before is None:
        return plural(len(context.messages), "message")
    words = f"about {whole(context.sent_before)} of {whole(context.input_tokens)} input tokens"
    if context.cache_read is not None:
        words += f"; {whole(context.cache_read)} read from the cache"
    return words


def _legend(context: Context) -> list[tuple[str, str, str]]:
    states = {message.state for message in context.messages}
    return [
        (
            state,
            "sent before" if state == REPEATED and context.cache_read is None else label,
            whole(context.tokens.get(state)) if context.tokens else "",
        )
        for state, label in _LABELS.items()
        if state in states
    ]


def _miss_heading(miss: Miss) -> str:
    changed_part = "the tool definitions" if not miss.number else f"message {miss.number}"
    return {
        TOOLS_CHANGED: "The tool definitions changed",
        TOOLS_REORDERED: "The tools are in another order",
        MESSAGE_CHANGED: f"The input differs from {changed_part} on",
        COMPACTED: f"The conversation was shortened from {changed_part} on",
        EXPIRED: f"{_minutes(miss)} since the call before",
        UNKNOWN: "An unchanged beginning was not read from the cache",
    }[miss.reason]


def _miss_detail(miss: Miss) -> str:
    if miss.reason == EXPIRED:
        return "Providers keep a cached beginning for about five minutes."
    if miss.reason == UNKNOWN:
        return (
            f"Nothing in it changed, and the call before started {_minutes(miss)} earlier."
            " The provider may have dropped it, or the request does not mark it for the cache."
        )
    text = "A cache matches from the start: what follows the first difference is not read from it."
    if miss.character is not None:
        text += f" The first difference is at character {miss.character + 1:,}."
    return text


def _minutes(miss: Miss) -> str:
    minutes = miss.minutes or 0.0
    return f"{minutes * 60:.0f} seconds" if minutes < 2 else f"{minutes:.0f} minutes"


def _avoidable_cost(context: Context) -> str:
    cost = context.avoidable_cost
    if not cost:
        return ""
    return f"{money(cost)} would have been saved, had all of what was sent before been cached."
