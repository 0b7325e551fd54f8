"""The rows of the page that compares two traces: texts of the cells, places of bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from tracer.analysis.compare.rows import N, Row, Side, effect
from tracer.ui.render.format import count, duration, money

Url = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as text, and as a bar: its share (-100 to 100) of the largest of its column."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row with the texts of its cells and the places of its two bars."""

    row: Row
    url: str
    selected: bool
    notes: list[str]
    then_style: str
    now_style: str
    then_took: str
    now_took: str
    differences: list[Difference]
    """Of duration, tokens and cost."""

    @property
    def failed(self) -> bool:
        """Whether the span has failed in the later trace, or in the earlier if it is removed."""
        side = self.row.now or self.row.then
        return side is not None and side.level == "error"


def own_side(row: Row) -> Side:
    """Return the span of the later trace, or else of the earlier."""
    own = row.now or row.then
    assert own is not None
    return own


def sides_of(row: Row) -> Iterator[Side]:
    """Yield the spans of a row, the earlier first."""
    yield from (side for side in (row.then, row.now) if side is not None)


def _differences(row: Row) -> tuple[int | Decimal | None, ...]:
    """Return what a row adds in µs, tokens and US dollars."""
    return effect(row), row.tokens, row.cost


def draw(
    rows: Sequence[Row], compared: Sequence[Row], selected: str | None, url: Url
) -> list[DrawnRow]:
    """Return rows with bars relative to all compared rows; ``url`` of a span's comparison."""
    longest = longest_of(compared)
    largest = [
        max((abs(value or 0) for value in column), default=0)
        for column in zip(*map(_differences, compared), strict=True)
    ]
    return [_drawn(row, selected, url, longest, largest) for row in rows]


def longest_of(rows: Sequence[Row]) -> int:
    """Return the µs from the start of a trace to the end of its last span."""
    return max((side.start + side.duration for row in rows for side in sides_of(row)), default=1)


def _drawn(
    row: Row, selected: str | None, url: Url, longest: int, largest: Sequence[int | Decimal]
) -> DrawnRow:
    texts = signed_duration(effect(row)), signed_count(row.tokens), signed_money(row.cost)
    shares = (
        float(100 * (value or 0) / (most or 1))
        for value, most in zip(_differences(row), largest, strict=True)
    )
    own = own_side(row)
    return DrawnRow(
        row=row,
        url=url(own.span_id),
        selected=own.span_id == selected,
        notes=_notes(row),
        then_style=_style(row.then, longest),
        now_style=_style(row.now, longest),
        then_took=_took(row.then),
        now_took=_took(row.now),
        differences=list(map(Difference, texts, shares)),
    )


def _notes(row: Row) -> list[str]:
    notes = list(row.differs)
    if row.then_name is not None:
        notes.insert(0, f"was {row.then_name}")
    if row.moved:
        notes.append("another place")
    return notes


def _style(side: Side | None, longest: int) -> str:
    if side is None:
        return ""
    share = 100 / max(longest, 1)
    return f"--x:{side.start * share:.2f};--w:{side.duration * share:.2f}"


def _took(side: Side | None) -> str:
    return "" if side is None else duration(timedelta(microseconds=side.duration))


def signed_duration(value: int | None) -> str:
    """Return µs as a difference: ``+41.0 s``; "" for none."""
    return _signed(value, lambda size: duration(timedelta(microseconds=size)))


def signed_count(value: int | None) -> str:
    """Return a number as a difference: ``+33.6k``; "" for none."""
    return _signed(value, count)


def signed_money(value: Decimal | None) -> str:
    """Return dollars as a difference: ``+$0.128``; "" for none."""
    return _signed(value, money)


def _signed(value: N | None, shown: Callable[[N], str]) -> str:
    return f"{'+' if value > 0 else '−'}{shown(abs(value))}" if value else ""
