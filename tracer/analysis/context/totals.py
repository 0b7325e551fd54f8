"""How much of the input of a trace's model calls was sent again, and what that cost."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tracer.analysis.context.calls import (
    SHORTENED,
    Call,
    ReadCall,
    avoidable_cost,
    closest,
    read_call,
    sent_before,
)

_MOST_EARLIER: Final = 8
"""Calls of one model that a later one is compared with."""
_MOST_GROWERS: Final = 5


class Step(msgspec.Struct, kw_only=True):
    """The input of one call."""

    span_id: str
    name: str
    start_time: datetime
    input_tokens: int
    new_tokens: int
    """About how many of them no earlier call was sent."""
    compacted: bool
    """The conversation became shorter than in the call that it continues."""


class ContextTotals(msgspec.Struct, kw_only=True):
    """Sums over the model calls of a trace that report their input tokens."""

    steps: list[Step] = []
    """In the order of time."""
    input_tokens: int = 0
    sent_before: int = 0
    """About how many of them an earlier call of the same model was sent as well."""
    cache_read: int | None = None
    """Tokens read from caches; None: no call reports any number."""
    avoidable_cost: Decimal = Decimal(0)
    """Dollars that caching all of what was sent before would have saved, as far as is known."""

    @property
    def share(self) -> float:
        """What was sent before, in percent of the input tokens."""
        return 100 * self.sent_before / self.input_tokens if self.input_tokens else 0.0

    @property
    def growers(self) -> list[Step]:
        """The calls with most new tokens, the largest first."""
        grown = sorted(self.steps, key=lambda step: -step.new_tokens)
        return [step for step in grown[:_MOST_GROWERS] if step.new_tokens]


def add_up(calls: Iterable[tuple[str | None, Call]]) -> ContextTotals:
    """Return the sums over (model, call) in the order of time; calls without tokens don't count."""
    totals = ContextTotals()
    earlier: dict[str | None, deque[ReadCall]] = defaultdict(lambda: deque(maxlen=_MOST_EARLIER))
    for model, call in calls:
        if call.input_tokens is None:
            continue
        read = read_call(call)
        other = closest(read, earlier[model])
        earlier[model].append(read)
        again = sent_before(read, other) if other else 0.0
        _add(totals, call, other.call if other else None, again)
    return totals


def _add(totals: ContextTotals, call: Call, other: Call | None, again: float) -> None:
    tokens = call.input_tokens or 0
    repeated = round(again * tokens)
    totals.input_tokens += tokens
    totals.sent_before += repeated
    if call.cache_read is not None:
        totals.cache_read = (totals.cache_read or 0) + call.cache_read
    totals.avoidable_cost += avoidable_cost(call, again) or 0
    totals.steps.append(
        Step(
            span_id=call.span_id,
            name=call.name,
            start_time=call.start_time,
            input_tokens=tokens,
            new_tokens=tokens - repeated,
            # Two calls with nothing in common are no one conversation.
            compacted=bool(other and again and tokens < SHORTENED * (other.input_tokens or 0)),
        )
    )
