"""Finds spans whose usage repeats that of other spans and is excluded from totals. Pure.

The usage of a span is included in totals, whatever runs below it, unless one of these rules
excludes it:

1. It is an agent or a chain whose dialect reports sums, and a span below it has usage.
2. Its tokens (or, where neither has tokens, its dollars) equal the included usage below it, or
   those of a child that is no agent or chain. Not checked with more than 2,000 spans below it.
3. It reports the same response (`call_id`) as another span. Of the spans of one response that have
   none of the others below them, one is included: an instrumentation's report before a client's own
   (`secondary_report`), then the one with more tokens, with a cost, with more types of tokens, of
   the lower cost, of the greater id. A span of the same response above it takes its place if it
   reports the same numbers by more types of tokens, such as cached ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from tracer.merging.reports import Node, UsageTotal
from tracer.merging.responses import Repeats, repeats_of_responses
from tracer.records import SUMMING

MAX_COMPARED_SPANS: Final = 2_000
"""With more spans below it, a span's usage is not compared with theirs, but included in totals."""


class UsageBelow(msgspec.Struct):
    """The usage of the spans below a span, down to the next spans with usage."""

    total: UsageTotal = msgspec.field(default_factory=UsageTotal)
    """Without excluded usage."""
    has_usage: bool = False
    """A span below has usage, excluded or not."""
    child_has_equal_usage: bool = False
    """A call directly below the span has equal usage."""
    spans: int = 0


def decide_excluded(
    nodes: Mapping[str, Node],
    usage_below: Mapping[str, UsageBelow],
    parents: Mapping[str, str | None],
    repeats: Repeats,
) -> dict[str, bool]:
    """Return `Span.usage_excluded` of each of ``nodes`` by id, from the lowest nodes upwards.

    Of a node without usage it is whether a span below has usage.

    ``usage_below`` has the usage between each node and the next nodes below it, ``parents`` the
    parents of all ancestors. All spans of ``repeats`` are nodes.
    """
    next_above = _nearest_ancestors(nodes, nodes, parents)
    undecided_below: dict[str, int] = dict.fromkeys(nodes, 0)
    for ancestor in next_above.values():
        if ancestor is not None:
            undecided_below[ancestor] += 1
    below = {span_id: _copy_of(usage_below.get(span_id)) for span_id in nodes}
    excluded: dict[str, bool] = {}
    ready = [span_id for span_id, number in undecided_below.items() if not number]
    while ready:
        span_id = ready.pop()
        node = nodes[span_id]
        replaced = repeats.fuller.get(span_id)
        if replaced is not None and not excluded[replaced]:
            excluded[replaced], excluded[span_id] = True, False
            below[span_id].total.remove(nodes[replaced].usage or UsageTotal())
        else:
            repeated = span_id in repeats.excluded
            excluded[span_id] = repeated or _is_excluded(node, below[span_id])
        ancestor = next_above[span_id]
        if ancestor is not None:
            _add_to_ancestor(
                node, below[span_id], excluded[span_id], nodes[ancestor], below[ancestor]
            )
            undecided_below[ancestor] -= 1
            if not undecided_below[ancestor]:
                ready.append(ancestor)
    return excluded


def _is_excluded(node: Node, below: UsageBelow) -> bool:
    if node.usage is None or node.is_reported_sum:
        return below.has_usage
    if below.spans > MAX_COMPARED_SPANS:
        return False
    return below.has_usage and (below.child_has_equal_usage or node.usage.equals(below.total))


def _add_to_ancestor(
    node: Node, below: UsageBelow, excluded: bool, ancestor: Node, below_ancestor: UsageBelow
) -> None:
    """Add a node, and everything below it, to what is below the nearest node above it."""
    below_ancestor.total.add(below.total)
    below_ancestor.has_usage |= below.has_usage or node.usage is not None
    below_ancestor.spans += below.spans + 1
    if node.usage is not None:
        if not excluded:
            below_ancestor.total.add(node.usage)
        if node.parent_id == ancestor.span_id and ancestor.usage is not None:
            below_ancestor.child_has_equal_usage |= is_equal_call(ancestor, node)


def is_equal_call(parent: Node, child: Node) -> bool:
    """Return whether a child that is no agent or chain has the same usage as its parent."""
    if parent.usage is None or child.usage is None or child.kind in SUMMING:
        return False
    return parent.usage.equals(child.usage)


def _copy_of(below: UsageBelow | None) -> UsageBelow:
    if below is None:
        return UsageBelow()
    total = UsageTotal()
    total.add(below.total)
    return UsageBelow(total, below.has_usage, below.child_has_equal_usage, below.spans)


def _nearest_ancestors(
    span_ids: Collection[str], nodes: Mapping[str, Node], parents: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return the nearest ancestor of each span that is one of the nodes; None: it has none."""
    nearest: dict[str, str | None] = {}
    for span_id in span_ids:
        path = [span_id]
        ancestor = parents.get(span_id)
        while ancestor is not None and ancestor not in nodes and ancestor not in nearest:
            path.append(ancestor)
            ancestor = parents.get(ancestor)
        # Spans on the path have the same nearest node, so they are not visited again.
        node = ancestor if ancestor is None or ancestor in nodes else nearest[ancestor]
        nearest |= dict.fromkeys(path, node)
    return {span_id: nearest[span_id] for span_id in span_ids}


def decide_excluded_in_trace(nodes: Mapping[str, Node]) -> dict[str, bool]:
    """Return `Span.usage_excluded` by id of the spans with usage; ``nodes`` are a whole trace."""
    parents = {span_id: node.parent_id for span_id, node in nodes.items()}
    by_response: dict[str, list[Node]] = defaultdict(list)
    with_usage = {span_id: node for span_id, node in nodes.items() if node.usage is not None}
    for node in with_usage.values():
        if node.call_id is not None:
            by_response[node.call_id].append(node)
    repeats = repeats_of_responses(by_response.values(), parents)
    below = _spans_without_usage(nodes, with_usage, parents)
    return decide_excluded(with_usage, below, parents, repeats)


def _spans_without_usage(
    nodes: Mapping[str, Node], with_usage: Mapping[str, Node], parents: Mapping[str, str | None]
) -> dict[str, UsageBelow]:
    """Return the number of spans between each span with usage and the next ones below it."""
    if len(nodes) <= MAX_COMPARED_SPANS:
        return {}
    below: dict[str, UsageBelow] = defaultdict(UsageBelow)
    others = nodes.keys() - with_usage.keys()
    for ancestor in _nearest_ancestors(others, with_usage, parents).values():
        if ancestor is not None:
            below[ancestor].spans += 1
    return below
