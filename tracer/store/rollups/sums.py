"""Pure: what spans and traces add to the sums of their series, minute by minute."""

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
"""What a series counts: traces, spans, failed spans by the type of their error, traces by user."""
MINUTE: Final = 60_000_000
"""In µs."""
PACKED: Final = 40
HALF: Final = 1 << (PACKED - 1)
"""A key and a number as one integer: the key times 2^40, plus the number, which may be negative."""

Series = tuple[str, str | None, str | None, str, str | None, str | None]
"""(what it counts, kind, name, environment, model, provider)"""
Key = tuple[int, Series]
"""(minutes since the epoch, series)"""
Counts = dict[int, int]
Types = dict[str, int]


class Sums(msgspec.Struct, gc=False):
    """Sums over the rows of a series in a minute, hour or day; times are in µs.

    `latencies`, `first_tokens`, `costs` and `token_counts` are numbers of values by the key of the
    value (`tracer.measure.histogram`), which times have in seconds.
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
    latencies: Counts = {}
    first_tokens: Counts = {}
    costs: Counts = {}
    token_counts: Counts = {}
    usage: Types = {}

    def time(self, micros: int, sign: int) -> None:
        """Add a latency."""
        self.latency += sign * micros
        key, counts = key_of(micros / 1_000_000), self.latencies
        counts[key] = counts.get(key, 0) + sign

    def use(self, usage: Mapping[str, int], sign: int) -> None:
        """Add tokens by type."""
        input_tokens, output_tokens, total = token_sums(usage)
        self.tokens += sign * (total or 0)
        self.input_tokens += sign * (input_tokens or 0)
        self.output_tokens += sign * (output_tokens or 0)
        key, counts = key_of(total or 0), self.token_counts
        counts[key] = counts.get(key, 0) + sign
        types = self.usage
        for name, number in usage.items():
            types[name] = types.get(name, 0) + sign * number

    def pay(self, cost: Decimal, sign: int) -> None:
        """Add a cost."""
        self.cost += cost if sign > 0 else -cost
        key, counts = key_of(float(cost)), self.costs
        counts[key] = counts.get(key, 0) + sign

    def merge(self, other: Sums) -> None:
        """Add the sums of other rows."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in COUNTS:
            own = getattr(self, name)
            for key, number in getattr(other, name).items():
                own[key] = own.get(key, 0) + number

    @property
    def empty(self) -> bool:
        """Whether nothing is left: all rows were taken away again."""
        if self.rows or any(getattr(self, name) for name in NUMBERS):
            return False
        return not any(any(getattr(self, name).values()) for name in COUNTS)


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
COUNTS: Final = (*HISTOGRAMS, "usage")


class Deltas:
    """The sums of one project by minute and series, of what one transaction changes."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        """Start without any."""
        self.sums: dict[Key, Sums] = {}

    def of(self, key: Key) -> Sums:
        """Return the sums of a series in a minute."""
        sums = self.sums.get(key)
        if sums is None:
            sums = self.sums[key] = Sums()
        return sums

    def rows(self) -> Iterator[tuple[Key, Sums]]:
        """Yield the sums that are not empty."""
        return (pair for pair in self.sums.items() if not pair[1].empty)

    def user_days(self) -> set[tuple[str, int]]:
        """Return the users with the days since the epoch of which traces were added or taken away.

        Also those whose sums stayed the same: their sessions may have changed.
        """
        return {
            (user_id, minute // (24 * 60))
            for minute, (counted, _, user_id, *_) in self.sums
            if counted == USER and user_id is not None
        }


def add_trace(deltas: Deltas, trace: Figures, sign: int) -> None:
    """Add a trace, or take it away with sign -1."""
    minute, environment = trace.start // MINUTE, trace.environment
    sums = deltas.of((minute, (TRACE, None, trace.name, environment, None, None)))
    sums.time(trace.end - trace.start, sign)
    user = deltas.of((minute, (USER, None, trace.user_id, environment, None, None)))
    for each in (sums, user):
        each.rows += sign
        if trace.status == "error":
            each.errors += sign
        elif trace.status == "running":
            each.running += sign
        if trace.metered:
            each.use(trace.usage, sign)
        if trace.cost is not None:
            each.pay(trace.cost, sign)


class SpanFigures(msgspec.Struct, array_like=True, gc=False):
    """The values of a span that are summed, and those that they are summed by; times in µs.

    Without tokens and costs that other spans repeat.
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
    """Return whether a span failed, and the type of its error; None: it names none."""
    failed = level == "error"
    return failed, error_type(message) if failed and message is not None else None


def add_spans(deltas: Deltas, environment: str, spans: Iterable[SpanFigures], sign: int) -> None:
    """Add spans, or take them away with sign -1."""
    by_series = deltas.sums
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
            sums.time(span.end - start, sign)
        if span.first_token is not None:
            sums.first_token += sign * (span.first_token - start)
            step, counts = key_of((span.first_token - start) / 1_000_000), sums.first_tokens
            counts[step] = counts.get(step, 0) + sign
        if span.usage:
            sums.use(span.usage, sign)
        if span.cost is not None:
            sums.pay(span.cost, sign)
        if span.failed:
            sums.errors += sign
            series = (ERROR, span.kind, span.error_type, environment, None, None)
            deltas.of((minute, series)).rows += sign


def packed(counts: Counts) -> list[int]:
    """Return numbers by key as one integer each, which the database holds."""
    return [(key << PACKED) + number for key, number in counts.items() if number]


def unpacked(values: Iterable[int] | None) -> Counts:
    """Return what `packed` was made from."""
    keys = [(value, (value + HALF) >> PACKED) for value in values or ()]
    return {key: value - (key << PACKED) for value, key in keys}
