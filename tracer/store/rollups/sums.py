"""Sums the values of traces and spans by series and minute. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from tracer.measure.histogram import key_of
from tracer.merging.figures import Figures
from tracer.query.error_types import error_type
from tracer.records import token_sums

TRACE, SPAN, ERROR, USER = "t", "s", "e", "u"
"""The grain of a series: traces, spans, failed spans by type of error, traces by user."""
MINUTE: Final = 60_000_000
"""In µs."""
COUNT_BITS: Final = 40
"""`pack_counts` stores a key and a count as one integer: key * 2^40 + count."""
HALF_COUNT: Final = 1 << (COUNT_BITS - 1)
"""Histogram are between -HALF_COUNT and HALF_COUNT, since changes may be negative."""

Series = tuple[str, str | None, str | None, str, str | None, str | None]
"""(grain, kind, name, environment, model, provider); for `ERROR` the name is the type of the error,
for `USER` the user id."""
Key = tuple[int, Series]
"""(minutes since the epoch, series)"""
Histogram = dict[int, int]
"""Numbers of values by `key_of` the value."""
TokensByType = dict[str, int]


class Sums(msgspec.Struct, gc=False):
    """Sums over the rows of a series in a minute, hour or day; times are in µs.

    The keys of the histograms `latencies` and `first_tokens` are those of seconds.
    """

    rows: int = 0
    errors: int = 0
    running: int = 0
    latency: int = 0
    first_token: int = 0
    cost: Decimal = Decimal(0)
    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    latencies: Histogram = {}
    first_tokens: Histogram = {}
    costs: Histogram = {}
    token_counts: Histogram = {}
    usage: TokensByType = {}

    def add_latency(self, micros: int, sign: int) -> None:
        """Add a latency in µs; sign -1: subtract it."""
        self.latency += sign * micros
        key, counts = key_of(micros / 1_000_000), self.latencies
        counts[key] = counts.get(key, 0) + sign

    def add_tokens(self, usage: Mapping[str, int], sign: int) -> None:
        """Add tokens by usage type; sign -1: subtract them."""
        input_tokens, output_tokens, total = token_sums(usage)
        self.tokens += sign * (total or 0)
        self.input_tokens += sign * (input_tokens or 0)
        self.output_tokens += sign * (output_tokens or 0)
        key, counts = key_of(total or 0), self.token_counts
        counts[key] = counts.get(key, 0) + sign
        types = self.usage
        for name, number in usage.items():
            types[name] = types.get(name, 0) + sign * number

    def add_cost(self, cost: Decimal, sign: int) -> None:
        """Add a cost in dollars; sign -1: subtract it."""
        self.cost += cost if sign > 0 else -cost
        key, counts = key_of(float(cost)), self.costs
        counts[key] = counts.get(key, 0) + sign

    def merge(self, other: Sums) -> None:
        """Add the sums of other rows."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in KEYED_SUMS:
            own = getattr(self, name)
            for key, number in getattr(other, name).items():
                own[key] = own.get(key, 0) + number

    @property
    def empty(self) -> bool:
        """Whether all sums and counts are 0, so that the row can be deleted."""
        if self.rows or any(getattr(self, name) for name in NUMBERS):
            return False
        return not any(any(getattr(self, name).values()) for name in KEYED_SUMS)


NUMBERS: Final = (
    "rows",
    "errors",
    "running",
    "latency",
    "first_token",
    "cost",
    "tokens",
    "input_tokens",
    "output_tokens",
)
HISTOGRAMS: Final = ("latencies", "first_tokens", "costs", "token_counts")
KEYED_SUMS: Final = (*HISTOGRAMS, "usage")
"""The fields of `Sums` that have a number for each key."""


class MinuteSums:
    """The changes of some transactions to one project's sums, by minute and series."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        """Start without sums."""
        self.sums: dict[Key, Sums] = {}

    def sums_for(self, key: Key) -> Sums:
        """Return the sums of a series in a minute; they are created if necessary."""
        sums = self.sums.get(key)
        if sums is None:
            sums = self.sums[key] = Sums()
        return sums

    def rows(self) -> Iterator[tuple[Key, Sums]]:
        """Yield the sums that are not empty."""
        return (pair for pair in self.sums.items() if not pair[1].empty)

    def user_days(self) -> set[tuple[str, int]]:
        """Return the (user, days since the epoch) of which traces were added or subtracted.

        Includes those whose sums stayed the same, since their sessions may have changed.
        """
        return {
            (user_id, minute // (24 * 60))
            for minute, (grain, _, user_id, *_) in self.sums
            if grain == USER and user_id is not None
        }


def add_trace(minute_sums: MinuteSums, trace: Figures, sign: int) -> None:
    """Add a trace; sign -1: subtract it."""
    minute, environment = trace.start // MINUTE, trace.environment
    sums = minute_sums.sums_for((minute, (TRACE, None, trace.name, environment, None, None)))
    sums.add_latency(trace.end - trace.start, sign)
    of_user = minute_sums.sums_for((minute, (USER, None, trace.user_id, environment, None, None)))
    for each in (sums, of_user):
        each.rows += sign
        if trace.status == "error":
            each.errors += sign
        elif trace.status == "running":
            each.running += sign
        if trace.has_usage:
            each.add_tokens(trace.usage, sign)
        if trace.cost is not None:
            each.add_cost(trace.cost, sign)


class SpanFigures(msgspec.Struct, array_like=True, gc=False):
    """The values of a span that are summed, and the dimensions of its series; times in µs.

    Tokens and cost are empty if they repeat those of other spans.
    """

    kind: str
    name: str
    model: str | None
    provider: str | None
    start: int
    end: int | None
    first_token: int | None
    failed: bool
    error_type: str | None
    usage: dict[str, int]
    cost: Decimal | None


def failure(level: str, message: str | None) -> tuple[bool, str | None]:
    """Return (whether a span failed, the type of its error); None: the message has no type."""
    failed = level == "error"
    return failed, error_type(message) if failed and message is not None else None


def add_spans(
    minute_sums: MinuteSums, environment: str, spans: Iterable[SpanFigures], sign: int
) -> None:
    """Add spans; sign -1: subtract them."""
    by_series = minute_sums.sums
    for span in spans:
        start = span.start
        minute = start // MINUTE
        key = minute, (SPAN, span.kind, span.name, environment, span.model, span.provider)
        sums = by_series.get(key)
        if sums is None:
            sums = by_series[key] = Sums()
        sums.rows += sign
        if span.end is None:
            sums.running += sign
        else:
            sums.add_latency(span.end - start, sign)
        if span.first_token is not None:
            sums.first_token += sign * (span.first_token - start)
            delay, counts = key_of((span.first_token - start) / 1_000_000), sums.first_tokens
            counts[delay] = counts.get(delay, 0) + sign
        if span.usage:
            sums.add_tokens(span.usage, sign)
        if span.cost is not None:
            sums.add_cost(span.cost, sign)
        if span.failed:
            sums.errors += sign
            series = (ERROR, span.kind, span.error_type, environment, None, None)
            minute_sums.sums_for((minute, series)).rows += sign


def pack_counts(counts: Histogram) -> list[int]:
    """Return each key with its count as one integer, as the database stores them."""
    return [(key << COUNT_BITS) + number for key, number in counts.items() if number]


def unpack_counts(values: Iterable[int] | None) -> Histogram:
    """Return the counts by key from the result of `pack_counts`."""
    keys = [(value, (value + HALF_COUNT) >> COUNT_BITS) for value in values or ()]
    return {key: value - (key << COUNT_BITS) for value, key in keys}
