"""Rows of the tree as the API lists them: spans with what their subtrees hold."""

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
    """What a span and everything below it add up to; nothing that was used counts twice."""

    span_count: int
    error_count: int
    level: Annotated[Level, Meta(description="the worst")]
    end_time: Annotated[Time, Meta(description="the latest that is known")]
    total_tokens: int | None
    total_cost: Money | None
    critical_ms: Annotated[float, Meta(description="on the critical path of the trace")]


class ListedSpan(SpanSummary, kw_only=True):
    """A span as a row of the tree, with its subtree."""

    self_ms: Annotated[
        float | None, Meta(description="in which none of its children ran; null: not counted yet")
    ]
    subtree: Annotated[Subtree | None, Meta(description="null: it is not counted yet")]


class SpanPage(msgspec.Struct, kw_only=True):
    """The children of one span, or the roots of a trace, in order of time."""

    data: list[ListedSpan]
    missing_parents: Annotated[
        list[str],
        Meta(description="among the roots: parents that have not arrived, ask ?parent= for theirs"),
    ]
    next_cursor: Annotated[str | None, Meta(description="later ones; null: there are none")]
    prev_cursor: Annotated[str | None, Meta(description="earlier ones; null: there are none")]


def listed_span(
    row: SpanRow, project_id: str, sums: Mapping[str, subtrees.Subtree] | None
) -> ListedSpan:
    """Return a row of the tree; `sums` None: the trace is still being counted."""
    one = sums.get(row.span_id) if sums else None
    return ListedSpan(
        **msgspec.structs.asdict(traces.span_summary(row, project_id)),
        self_ms=one.self_us / 1_000 if one else None,
        subtree=_subtree(one) if one else None,
    )


def _subtree(one: subtrees.Subtree) -> Subtree:
    return Subtree(
        span_count=one.span_count,
        error_count=one.error_count,
        level=one.level,
        end_time=json_time(one.end_time),
        total_tokens=one.total_tokens,
        total_cost=one.total_cost,
        critical_ms=one.critical_us / 1_000,
    )
