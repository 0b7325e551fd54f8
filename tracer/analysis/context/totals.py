"""Sums the repeated input of the model calls of a trace or session, and its cost."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from tracer.analysis.context.calls import (
    COMPACTED_SHARE,
    Call,
    CallReader,
    ReadCall,
    closest_call,
    repeated_costs,
    repeated_share,
)
from tracer.analysis.context.tool_results import UnusedResult, unused_results

_MAX_EARLIER_CALLS: Final = 8
"""Number of earlier calls of the same model that a call is compared with."""
_MAX_GROWERS: Final = 5


class CallInput(msgspec.Struct, kw_only=True):
    """The input of one call."""

    span_id: str
    trace_id: str
    name: str
    start_time: datetime
    input_tokens: int
    new_tokens: int
    """An estimate of those that are in no earlier call."""
    compacted: bool
    """The conversation became shorter than in the call that it continues."""


class ContextTotals(msgspec.Struct, kw_only=True):
    """Sums over the model calls of a trace or session that report their input tokens."""

    steps: list[CallInput] = []
    """In the order of time."""
    growers: list[CallInput] = []
    """The calls with most new tokens, the largest first."""
    input_tokens: int = 0
    sent_before: int = 0
    """An estimate of those that are in an earlier call of the same model, too."""
    cache_read: int | None = None
    """Tokens read from caches; None: no call reports any number."""
    cost: Decimal = Decimal(0)
    """Dollars of the calls with a known cost."""
    repeated_cost: Decimal = Decimal(0)
    """Dollars for repeated input, of the calls with known prices."""
    avoidable_cost: Decimal = Decimal(0)
    """Dollars that caching all repeated input would have saved, of the calls with known prices."""
    unused_results: list[UnusedResult] = []
    """Tool results that no later response refers to, those with most tokens first."""
    left_out: bool = False
    """True: nothing was summed, because the calls are too many or too large."""

    @property
    def share(self) -> float:
        """The repeated part, in percent of the input tokens."""
        return 100 * self.sent_before / self.input_tokens if self.input_tokens else 0.0


class Compared(NamedTuple):
    """A call, the earlier call that it continues, and the repeated share of its input."""

    current: ReadCall
    previous: ReadCall | None
    repeated_share: float
    """0 to 1"""


def compare_all(calls: Iterable[Call]) -> Iterator[Compared]:
    """Compare each call with earlier calls of the same model; the calls are in time order."""
    reader = CallReader()
    earlier: dict[str | None, deque[ReadCall]] = defaultdict(
        lambda: deque(maxlen=_MAX_EARLIER_CALLS)
    )
    for call in calls:
        read = reader.read(call)
        other = closest_call(read, earlier[call.model])
        earlier[call.model].append(read)
        yield Compared(read, other, repeated_share(read, other) if other else 0.0)


def context_totals(calls: Iterable[Call]) -> ContextTotals:
    """Return the sums over calls in the order of time; calls without tokens are left out."""
    comparisons = list(compare_all(call for call in calls if call.input_tokens is not None))
    totals = ContextTotals()
    for compared in comparisons:
        _add(totals, compared)
    grown = sorted(totals.steps, key=lambda step: -step.new_tokens)
    totals.growers = [step for step in grown[:_MAX_GROWERS] if step.new_tokens]
    totals.unused_results = unused_results([compared.current for compared in comparisons])
    return totals


def _add(totals: ContextTotals, compared: Compared) -> None:
    call, other = compared.current.call, compared.previous
    tokens = call.input_tokens or 0
    repeated = round(compared.repeated_share * tokens)
    totals.input_tokens += tokens
    totals.sent_before += repeated
    if call.cache_read is not None:
        totals.cache_read = (totals.cache_read or 0) + call.cache_read
    totals.cost += call.cost or 0
    if costs := repeated_costs(call, compared.repeated_share):
        totals.repeated_cost += costs.repeated
        totals.avoidable_cost += costs.avoidable
    earlier_tokens = other.call.input_tokens or 0 if other else 0
    totals.steps.append(
        CallInput(
            span_id=call.span_id,
            trace_id=call.trace_id,
            name=call.name,
            start_time=call.start_time,
            input_tokens=tokens,
            new_tokens=tokens - repeated,
            # Two calls with nothing in common belong to different conversations.
            compacted=bool(compared.repeated_share and tokens < COMPACTED_SHARE * earlier_tokens),
        )
    )
