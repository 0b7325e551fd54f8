"""What a span reports of usage, as far as it decides whether it repeats other spans. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tracer.merging.spans import Span
from tracer.merging.traces import clip
from tracer.records import SUMMING, SpanRecord, cost_total, token_sums

# Ids are indexed, and a longer one would not fit into the index.
CALL_ID_BYTES: Final = 200
_PLAIN_TYPES: Final = frozenset(("input", "output", "total", "other"))
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

    def remove(self, other: UsageTotal) -> None:
        """Take away a total that was added."""
        self.input_tokens -= other.input_tokens
        self.output_tokens -= other.output_tokens
        self.tokens -= other.tokens
        self.dollars -= other.dollars
        self.spans_with_tokens -= other.spans_with_tokens
        self.spans_with_cost -= other.spans_with_cost

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
    tokens_by_type: Mapping[str, int] = {}
    """Tokens by type; of a stored span only where another one reports the same response."""

    @property
    def details(self) -> int:
        """The number of types of tokens besides plain input and output."""
        return sum(
            1 for name, tokens in self.tokens_by_type.items() if tokens and name not in _PLAIN_TYPES
        )

    @property
    def is_reported_sum(self) -> bool:
        """Whether the span's dialect reports the sum of the spans below as its usage."""
        return self.secondary_report and self.kind in SUMMING


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
        tokens_by_type=record.usage,
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
