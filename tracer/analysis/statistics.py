"""Statistics of a trace by span name, kind and model: count, durations, tokens and cost."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from tracer.analysis.forest import Forest
from tracer.analysis.inputs import AnalysisInputs

MAX_GROUPS: Final = 500


class SpanGroup(msgspec.Struct, kw_only=True):
    """The spans of one name, kind and model. Times in µs, over the spans that have ended."""

    name: str
    kind: str
    model: str | None
    count: int
    running: int
    total_time: int
    average_time: int | None
    """None: no span of the group has ended."""
    p95_time: int | None
    """95th percentile of the durations, by nearest rank."""
    self_time: int
    """Time in which no child of the spans ran."""
    total_tokens: int | None
    """None: no span reports tokens. Spans excluded from totals are left out."""
    total_cost: Decimal | None
    """US dollars; None: no span has a cost. Spans excluded from totals are left out."""
    errors: int


class Statistics(msgspec.Struct, kw_only=True):
    """The groups with the longest total time, longest first; at most `MAX_GROUPS`."""

    groups: list[SpanGroup]
    left_out: int
    """Number of further groups."""


def statistics(inputs: AnalysisInputs) -> Statistics:
    """Return the statistics of a trace's spans, grouped by name, kind and model."""
    forest, self_times = inputs.forest, inputs.self_times
    members: dict[tuple[str, str, str | None], array[int]] = defaultdict(lambda: array("i"))
    keys = zip(forest.names, forest.kinds, forest.models, strict=True)
    for position, key in enumerate(keys):
        if not forest.placeholders[position]:
            members[key].append(position)
    groups = [_group(forest, self_times, key, spans) for key, spans in members.items()]
    groups.sort(key=lambda group: (-group.total_time, group.name, group.kind, group.model or ""))
    return Statistics(groups=groups[:MAX_GROUPS], left_out=max(len(groups) - MAX_GROUPS, 0))


def _group(
    forest: Forest, self_times: array[int], key: tuple[str, str, str | None], spans: array[int]
) -> SpanGroup:
    ended = sorted(
        forest.ends[position] - forest.starts[position]
        for position in spans
        if not forest.running[position]
    )
    included = [position for position in spans if not forest.excluded[position]]
    return SpanGroup(
        name=key[0],
        kind=key[1],
        model=key[2],
        count=len(spans),
        running=len(spans) - len(ended),
        total_time=sum(ended),
        average_time=sum(ended) // len(ended) if ended else None,
        p95_time=ended[-(-len(ended) * 95 // 100) - 1] if ended else None,
        self_time=sum(self_times[position] for position in spans),
        total_tokens=_sum_tokens(
            tokens for position in included if (tokens := forest.tokens[position]) is not None
        ),
        total_cost=_sum_cost(
            cost for position in included if (cost := forest.costs[position]) is not None
        ),
        errors=sum(forest.levels[position] == "error" for position in spans),
    )


def _sum_tokens(values: Iterable[int]) -> int | None:
    numbers = list(values)
    return sum(numbers) if numbers else None


def _sum_cost(values: Iterable[Decimal]) -> Decimal | None:
    amounts = list(values)
    return sum(amounts, Decimal(0)) if amounts else None
