"""How much of the input of the model calls of a trace or session was sent again, and its cost."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from tracer.analysis.context.calls import (
    SHORTENED,
    Call,
    CallReader,
    ReadCall,
    closest,
    repeated_costs,
    sent_before,
)
from tracer.analysis.context.tool_results import UnusedResult, unused_results

_MOST_EARLIER: Final = 8
"""Calls of one model that a later one is compared with."""
_MOST_GROWERS: Final = 5


class Step(msgspec.Struct, kw_only=True):
    """The input of one call."""

    span_id: str
    trace_id: str
    name: str
    start_time: datetime
    input_tokens: int
    new_tokens: int
    """About how many of them no earlier call was sent."""
    compacted: bool
    """The conversation became shorter than in the call that it continues."""


class ContextTotals(msgspec.Struct, kw_only=True):
    """Sums over the model calls of a trace or session that report their input tokens."""

    steps: list[Step] = []
    """In the order of time."""
    growers: list[Step] = []
    """The calls with most new tokens, the largest first."""
    input_tokens: int = 0
    sent_before: int = 0
    """About how many of them an earlier call of the same model was sent as well."""
    cache_read: int | None = None
    """Tokens read from caches; None: no call reports any number."""
    cost: Decimal = Decimal(0)
    """Dollars of the calls, as far as is known."""
    repeated_cost: Decimal = Decimal(0)
    """Dollars of what was sent before, as far as is known."""
    avoidable_cost: Decimal = Decimal(0)
    """Dollars that caching all of what was sent before would have saved, as far as is known."""
    unused_results: list[UnusedResult] = []
    """Results of tools that no later answer refers to, those with most tokens first."""
    left_out: bool = False
    """The calls are too many or too large to be added up."""

    @property
    def share(self) -> float:
        """What was sent before, in percent of the input tokens."""
        return 100 * self.sent_before / self.input_tokens if self.input_tokens else 0.0


class Compared(NamedTuple):
    """A call, the earlier call that it continues, and the share of its input sent before."""

    now: ReadCall
    before: ReadCall | None
    again: float
    """0 to 1"""


def compare_all(calls: Iterable[Call]) -> Iterator[Compared]:
    """Compare each call with those before it of its model; the calls are in the order of time."""
    reader = CallReader()
    earlier: dict[str | None, deque[ReadCall]] = defaultdict(lambda: deque(maxlen=_MOST_EARLIER))
    for call in calls:
        read = reader.read(call)
        other = closest(read, earlier[call.model])
        earlier[call.model].append(read)
        yield Compared(read, other, sent_before(read, other) if other else 0.0)


def add_up(calls: Iterable[Call]) -> ContextTotals:
    """Return the sums over calls in the order of time; calls without tokens don't count."""
    compared = list(compare_all(call for call in calls if call.input_tokens is not None))
    totals = ContextTotals()
    for each in compared:
        _add(totals, each)
    grown = sorted(totals.steps, key=lambda step: -step.new_tokens)
    totals.growers = [step for step in grown[:_MOST_GROWERS] if step.new_tokens]
    totals.unused_results = unused_results([each.now for each in compared])
    return totals


def _add(totals: ContextTotals, compared: Compared) -> None:
    call, other = compared.now.call, compared.before
    tokens = call.input_tokens or 0
    repeated = round(compared.again * tokens)
    totals.input_tokens += tokens
    totals.sent_before += repeated
    if call.cache_read is not None:
        totals.cache_read = (totals.cache_read or 0) + call.cache_read
    totals.cost += call.cost or 0
    if costs := repeated_costs(call, compared.again):
        totals.repeated_cost += costs.repeated
        totals.avoidable_cost += costs.avoidable
    earlier_tokens = other.call.input_tokens or 0 if other else 0
    totals.steps.append(
        Step(
            span_id=call.span_id,
            trace_id=call.trace_id,
            name=call.name,
            start_time=call.start_time,
            input_tokens=tokens,
            new_tokens=tokens - repeated,
            # Two calls with nothing in common are no one conversation.
            compacted=bool(compared.again and tokens < SHORTENED * earlier_tokens),
        )
    )
