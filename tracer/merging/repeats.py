"""Pure: finds spans whose usage repeats that of other spans, and is excluded from the sums.

The usage of a call counts, whatever runs below it. A span repeats the spans below it if its numbers
equal their sum or those of a call directly below it, or if it is an agent or a chain whose dialect
reports sums. Of several spans with the same response id one counts.
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
MOST_BELOW: Final = 2_000
"""Spans below one whose numbers are compared with it; above more, its usage counts."""
# Costs that differ by rounding are equal.
_ROUNDED: Final = Decimal("1e-6")


class Use(msgspec.Struct):
    """Tokens by side and in total, and dollars; in a sum also the number of spans with each."""

    input_tokens: int = 0
    output_tokens: int = 0
    tokens: int = 0
    dollars: Decimal = Decimal(0)
    counted: int = 0
    """Spans with tokens."""
    priced: int = 0

    def add(self, other: Use) -> None:
        """Add the usage of others."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.tokens += other.tokens
        self.dollars += other.dollars
        self.counted += other.counted
        self.priced += other.priced

    @classmethod
    def of(
        cls,
        input_tokens: int | None,
        output_tokens: int | None,
        tokens: int | None,
        dollars: Decimal | None,
    ) -> Use | None:
        """Return the use of one span; None: it has none."""
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

    def equals(self, other: Use) -> bool:
        """Return whether both are equal: in tokens if both have some, else in dollars."""
        if self.counted and other.counted:
            if self.input_tokens or self.output_tokens:
                return (self.input_tokens, self.output_tokens) == (
                    other.input_tokens,
                    other.output_tokens,
                )
            return self.tokens == other.tokens
        if self.counted or other.counted or not (self.priced and other.priced):
            return False
        return abs(self.dollars - other.dollars) <= self.dollars * _ROUNDED


class Node(msgspec.Struct, kw_only=True):
    """The data of a span that decides whether its usage counts."""

    span_id: str
    parent_id: str | None
    kind: str
    own: Use | None
    """None: the span has no usage."""
    call_id: str | None
    echo: bool
    covered: bool

    @property
    def sums(self) -> bool:
        """Whether its dialect reports sums of the spans below."""
        return self.echo and self.kind in SUMMING


class Region(msgspec.Struct):
    """The spans below a span, down to the next nodes."""

    below: Use = msgspec.field(default_factory=Use)
    """The usage that counts."""
    metered: bool = False
    """There is usage, including usage that doesn't count."""
    copied: bool = False
    """A call directly below the span has equal usage."""
    spans: int = 0


def node_of(span: Span) -> Node:
    """Return the node of a span."""
    record = span.record
    return Node(
        span_id=record.span_id,
        parent_id=record.parent_span_id,
        kind=record.kind,
        own=use_of(record),
        call_id=call_key(record),
        echo=record.echo,
        covered=span.covered,
    )


def is_metered(record: SpanRecord) -> bool:
    """Return whether a span has usage or cost."""
    return bool(record.usage or record.cost)


def may_repeat(record: SpanRecord) -> bool:
    """Return whether a span has usage that may count, whatever runs below it."""
    return is_metered(record) and not (record.echo and record.kind in SUMMING)


def use_of(record: SpanRecord) -> Use | None:
    """Return the usage of a span."""
    if not is_metered(record):
        return None
    return Use.of(*token_sums(record.usage), cost_total(record.cost))


def call_key(record: SpanRecord) -> str | None:
    """Return the indexed response id of a span with usage."""
    return clip(record.call_id, CALL_ID_BYTES) if is_metered(record) else None


def uncounted_repeats(members: Iterable[Node], parents: Mapping[str, str | None]) -> set[str]:
    """Return the spans with the same response id that don't count: all but one.

    ``parents`` has the parents of the spans and of all their ancestors.
    """
    known = {member.span_id: member for member in members}
    above: set[str] = set()
    for span_id in known:
        for upper in _ancestors(span_id, parents):
            if upper in above:
                break
            above.add(upper)
    lowest = [member for span_id, member in known.items() if span_id not in above]
    winner = max(lowest, key=_weight)
    return known.keys() - {winner.span_id}


def _weight(node: Node) -> tuple[bool, int, bool, Decimal, str]:
    own = node.own or Use()
    # Of equal tokens the cheaper ones: the other report lacks the count of the cached tokens.
    return not node.echo, own.tokens, bool(own.dollars), -own.dollars, node.span_id


def _ancestors(span_id: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    parent = parents.get(span_id)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def decide(
    nodes: Mapping[str, Node],
    regions: Mapping[str, Region],
    parents: Mapping[str, str | None],
    twins: set[str],
) -> dict[str, bool]:
    """Return by id whether each of ``nodes`` is covered: its usage is excluded from the sums.

    ``regions`` has the spans below each, ``parents`` the parents of all ancestors, ``twins`` the
    spans whose response counts elsewhere. A span without usage is covered if a span below it has
    usage: these marks show which ancestors were processed.
    """
    above = _next_above(nodes, nodes, parents)
    waiting: dict[str, int] = dict.fromkeys(nodes, 0)
    for upper in above.values():
        if upper is not None:
            waiting[upper] += 1
    below = {span_id: _copy(regions.get(span_id)) for span_id in nodes}
    covered: dict[str, bool] = {}
    ready = [span_id for span_id, number in waiting.items() if not number]
    while ready:
        span_id = ready.pop()
        node, region = nodes[span_id], below[span_id]
        covered[span_id] = span_id in twins or _repeats(node, region)
        upper = above[span_id]
        if upper is not None:
            _pass_up(node, region, covered[span_id], nodes[upper], below[upper])
            waiting[upper] -= 1
            if not waiting[upper]:
                ready.append(upper)
    return covered


def _repeats(node: Node, region: Region) -> bool:
    if node.own is None or node.sums:
        return region.metered
    if region.spans > MOST_BELOW:
        return False
    return region.metered and (region.copied or node.own.equals(region.below))


def _pass_up(node: Node, region: Region, covered: bool, upper: Node, below: Region) -> None:
    """Add the usage of a span and of all below it to the region of the next node above."""
    below.below.add(region.below)
    below.metered |= region.metered or node.own is not None
    below.spans += region.spans + 1
    if node.own is not None:
        if not covered:
            below.below.add(node.own)
        if node.parent_id == upper.span_id and upper.own is not None:
            below.copied |= is_copy(upper, node)


def is_copy(upper: Node, child: Node) -> bool:
    """Return whether a call directly below a span has the usage of the span."""
    if upper.own is None or child.own is None or child.kind in SUMMING:
        return False
    return upper.own.equals(child.own)


def _copy(region: Region | None) -> Region:
    if region is None:
        return Region()
    below = Use()
    below.add(region.below)
    return Region(below, region.metered, region.copied, region.spans)


def _next_above(
    span_ids: Collection[str], nodes: Mapping[str, Node], parents: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return for each span the next of the nodes above it."""
    nearest: dict[str, str | None] = {}
    for span_id in span_ids:
        passed = [span_id]
        upper = parents.get(span_id)
        while upper is not None and upper not in nodes and upper not in nearest:
            passed.append(upper)
            upper = parents.get(upper)
        # Spans on the way have the same node above them, and are not visited again.
        above = upper if upper is None or upper in nodes else nearest[upper]
        nearest |= dict.fromkeys(passed, above)
    return {span_id: nearest[span_id] for span_id in span_ids}


def decide_all(nodes: Mapping[str, Node]) -> dict[str, bool]:
    """Return by id whether each span of a trace with usage is covered."""
    parents = {span_id: node.parent_id for span_id, node in nodes.items()}
    groups: dict[str, list[Node]] = defaultdict(list)
    metered = {span_id: node for span_id, node in nodes.items() if node.own is not None}
    for node in metered.values():
        if node.call_id is not None:
            groups[node.call_id].append(node)
    twins: set[str] = set()
    for members in groups.values():
        if len(members) > 1:
            twins |= uncounted_repeats(members, parents)
    return decide(metered, _sizes(nodes, metered, parents), parents, twins)


def _sizes(
    nodes: Mapping[str, Node], metered: Mapping[str, Node], parents: Mapping[str, str | None]
) -> dict[str, Region]:
    """Return the number of spans below each metered one, down to the next metered ones."""
    if len(nodes) <= MOST_BELOW:
        return {}
    sizes: dict[str, Region] = defaultdict(Region)
    others = nodes.keys() - metered.keys()
    for upper in _next_above(others, metered, parents).values():
        if upper is not None:
            sizes[upper].spans += 1
    return sizes
