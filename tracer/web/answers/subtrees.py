"""Answers for rows of the tree: spans with the sums over their subtrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from tracer.store.analyses import subtrees
from tracer.store.traces.span_tree import SpanRow
from tracer.times import json_time
from tracer.web.answers import traces
from tracer.web.answers.traces import Level, Money, SpanSummary, Time


class Subtree(msgspec.Struct, kw_only=True):
    """Sums over a span and its descendants; usage that an ancestor repeats is summed once."""

    span_count: int
    error_count: int
    level: Annotated[Level, Meta(description="the worst")]
    end_time: Annotated[Time, Meta(description="the latest that is known")]
    total_tokens: int | None
    total_cost: Money | None
    critical_ms: Annotated[float, Meta(description="on the critical path of the trace")]


class ListedSpan(SpanSummary, kw_only=True):
    """A span as a row of the tree, with the sums over its subtree."""

    self_ms: Annotated[
        float | None, Meta(description="in which none of its children ran; null: not analysed yet")
    ]
    subtree: Annotated[Subtree | None, Meta(description="null: not analysed yet")]


class SpanPage(msgspec.Struct, kw_only=True):
    """A page of the children of one span, or of the roots of a trace, in time order."""

    data: list[ListedSpan]
    missing_parents: Annotated[
        list[str],
        Meta(description="among the roots: missing parents; ?parent= lists their children"),
    ]
    next_cursor: Annotated[str | None, Meta(description="later ones; null: there are none")]
    prev_cursor: Annotated[str | None, Meta(description="earlier ones; null: there are none")]


def listed_span(
    row: SpanRow, project_id: str, sums: Mapping[str, subtrees.Subtree] | None
) -> ListedSpan:
    """Return a row of the tree; `sums` None: a large trace that is not analysed yet."""
    subtree = sums.get(row.span_id) if sums else None
    return ListedSpan(
        **msgspec.structs.asdict(traces.span_summary(row, project_id)),
        self_ms=subtree.self_us / 1_000 if subtree else None,
        subtree=_subtree(subtree) if subtree else None,
    )


def _subtree(sums: subtrees.Subtree) -> Subtree:
    return Subtree(
        span_count=sums.span_count,
        error_count=sums.error_count,
        level=sums.level,
        end_time=json_time(sums.end_time),
        total_tokens=sums.total_tokens,
        total_cost=sums.total_cost,
        critical_ms=sums.critical_us / 1_000,
    )
