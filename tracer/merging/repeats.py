"""Finds spans whose usage repeats that of other spans and is excluded from totals. Pure.

The usage of a span is included in totals, whatever runs below it, unless one of these rules
excludes it:

1. It is an agent or a chain whose dialect reports sums, and a span below it has usage.
2. Its tokens (or, where neither has tokens, its dollars) equal the included usage below it, or
   those of a child that is no agent or chain. Not checked with more than 2,000 spans below it.
3. It reports the same response (`call_id`) as another span. Of the spans of one response that have
   none of the others below them, one is included: an instrumentation's report before a client's own
   (`secondary_report`), then the one with more tokens, with a cost, of the lower cost, of the
   greater id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tracer.merging.spans import Span
from tracer.merging.traces import clip
from tracer.records import SUMMING, SpanRecord, cost_total, token_sums

# Ids are indexed, and a longer one would not fit into the index.
CALL_ID_BYTES: Final = 200
MAX_COMPARED_SPANS: Final = 2_000
"""With more spans below it, a span's usage is not compared with theirs, but included in totals."""
# Costs that differ by rounding are equal.
_ROUNDING: Final = Decimal("1e-6")


class UsageTotal(msgspec.Struct):
    """Tokens by side and in total, and dollars, of one or several spans."""

    input_tokens: int = 0
    output_tokens: int = 0
    tokens: int = 0
    dollars: Decimal = Decimal(0)
    spans_with_tokens: int = 0
    spans_with_cost: int = 0

    def add(self, other: UsageTotal) -> None:
        """Add another total."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.tokens += other.tokens
        self.dollars += other.dollars
        self.spans_with_tokens += other.spans_with_tokens
        self.spans_with_cost += other.spans_with_cost

    @classmethod
    def of(
        cls,
        input_tokens: int | None,
        output_tokens: int | None,
        tokens: int | None,
        dollars: Decimal | None,
    ) -> UsageTotal | None:
        """Return the total of one span; None: it has no usage."""
        if tokens is None and dollars is None:
            return None
        return cls(
            input_tokens or 0,
            output_tokens or 0,
            tokens or 0,
            dollars or Decimal(0),
            int(tokens is not None),
            int(dollars is not None),
        )

    def equals(self, other: UsageTotal) -> bool:
        """Return whether both have equal tokens, or where neither has tokens, equal dollars."""
        if self.spans_with_tokens and other.spans_with_tokens:
            if self.input_tokens or self.output_tokens:
                return (self.input_tokens, self.output_tokens) == (
                    other.input_tokens,
                    other.output_tokens,
                )
            return self.tokens == other.tokens
        if self.spans_with_tokens or other.spans_with_tokens:
            return False
        if not (self.spans_with_cost and other.spans_with_cost):
            return False
        return abs(self.dollars - other.dollars) <= self.dollars * _ROUNDING


class Node(msgspec.Struct, kw_only=True):
    """The data of a span that decides whether its usage is excluded from totals."""

    span_id: str
    parent_id: str | None
    kind: str
    usage: UsageTotal | None
    """None: the span has no usage."""
    call_id: str | None
    secondary_report: bool
    """`SpanRecord.echo`."""
    usage_excluded: bool
    """`Span.usage_excluded`, as stored; of a span without usage: a span below has usage."""

    @property
    def is_reported_sum(self) -> bool:
        """Whether the span's dialect reports the sum of the spans below as its usage."""
        return self.secondary_report and self.kind in SUMMING


class UsageBelow(msgspec.Struct):
    """The usage of the spans below a span, down to the next spans with usage."""

    total: UsageTotal = msgspec.field(default_factory=UsageTotal)
    """Without excluded usage."""
    has_usage: bool = False
    """A span below has usage, excluded or not."""
    child_has_equal_usage: bool = False
    """A call directly below the span has equal usage."""
    spans: int = 0


def node_of(span: Span) -> Node:
    """Return the node of a span."""
    record = span.record
    return Node(
        span_id=record.span_id,
        parent_id=record.parent_span_id,
        kind=record.kind,
        usage=usage_total_of(record),
        call_id=call_key(record),
        secondary_report=record.echo,
        usage_excluded=span.usage_excluded,
    )


def has_usage(record: SpanRecord) -> bool:
    """Return whether a span has usage or cost."""
    return bool(record.usage or record.cost)


def must_be_compared(record: SpanRecord) -> bool:
    """Return whether a span has usage, and only a comparison decides whether it is excluded."""
    return has_usage(record) and not (record.echo and record.kind in SUMMING)


def usage_total_of(record: SpanRecord) -> UsageTotal | None:
    """Return the usage of a span; None: it has none."""
    if not has_usage(record):
        return None
    return UsageTotal.of(*token_sums(record.usage), cost_total(record.cost))


def call_key(record: SpanRecord) -> str | None:
    """Return the indexed response id of a span with usage; None: it has no usage or no id."""
    return clip(record.call_id, CALL_ID_BYTES) if has_usage(record) else None


def repeats_of_response(members: Iterable[Node], parents: Mapping[str, str | None]) -> set[str]:
    """Return which of the spans with the same response id are excluded: all but one.

    ``parents`` has the parents of the spans and of all their ancestors.
    """
    by_id = {member.span_id: member for member in members}
    ancestors: set[str] = set()
    for span_id in by_id:
        for ancestor in _ancestors(span_id, parents):
            if ancestor in ancestors:
                break
            ancestors.add(ancestor)
    lowest = [member for span_id, member in by_id.items() if span_id not in ancestors]
    included = max(lowest, key=_preference)
    return by_id.keys() - {included.span_id}


def _preference(node: Node) -> tuple[bool, int, bool, Decimal, str]:
    """Return the sort key of spans with one response: the greatest one is included in totals."""
    usage = node.usage or UsageTotal()
    # Of equal tokens the cheaper report: in the other, cached tokens are priced as plain ones.
    cost = usage.dollars
    return not node.secondary_report, usage.tokens, bool(cost), -cost, node.span_id


def _ancestors(span_id: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    parent = parents.get(span_id)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def decide_excluded(
    nodes: Mapping[str, Node],
    usage_below: Mapping[str, UsageBelow],
    parents: Mapping[str, str | None],
    repeats: set[str],
) -> dict[str, bool]:
    """Return `Span.usage_excluded` of each of ``nodes`` by id, from the lowest nodes upwards.

    Of a node without usage it is whether a span below has usage.

    ``usage_below`` has the usage between each node and the next nodes below it, ``parents`` the
    parents of all ancestors, ``repeats`` the spans that `repeats_of_response` excludes.
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
        excluded[span_id] = span_id in repeats or _is_excluded(node, below[span_id])
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
    repeats: set[str] = set()
    for members in by_response.values():
        if len(members) > 1:
            repeats |= repeats_of_response(members, parents)
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
