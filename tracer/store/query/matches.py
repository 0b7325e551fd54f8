"""Compiles the values of one term to SQL: texts, globs, numbers, times, ranges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from tracer.query.fields import Field, Type
from tracer.query.moments import Clock, Moment, is_period, resolve
from tracer.query.tree import Between, Compare, Equal, Glob, Match, Quantity
from tracer.store.query.source import Column

_COMPARISONS: Final[dict[str, Callable[[Column, Any], Column]]] = {
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}


def scalar_condition(
    field: Field, column: Column, matches: Sequence[Match], clock: Clock
) -> Column:
    """Return the condition that the column has one of the values."""
    if field.ordered:
        return column.in_([choice for choice in field.choices if _chosen(field, choice, matches)])
    if field.type is Type.PROSE:
        return _any(_contains(column, match) for match in matches)
    if field.type in (Type.TEXT, Type.CHOICE):
        whole = [match.value for match in matches if isinstance(match, Equal)]
        conditions = [like(column, match.parts) for match in matches if isinstance(match, Glob)]
        if whole:
            conditions.append(column == whole[0] if len(whole) == 1 else column.in_(whole))
        return _any(conditions)
    if field.type is Type.TIME:
        return _any(_time(column, match, clock) for match in matches)
    return _any(number_condition(field, column, match) for match in matches)


def contains_text(column: Column, *parts: str) -> Column:
    """Return whether the column has these parts in this order, in upper or lower case."""
    pattern = "%".join(["", *map(_escaped, parts), ""])
    return column.ilike(pattern, escape="\\")


def matches_prefix(column: Column, prefix: str) -> Column:
    """Return whether the column begins with a text, in upper or lower case."""
    return column.ilike(f"{_escaped(prefix)}%", escape="\\")


def _any(conditions: Any) -> Column:
    return sa.or_(*conditions)


def _contains(column: Column, match: Match) -> Column:
    if isinstance(match, Glob):
        return contains_text(column, *match.parts)
    assert isinstance(match, Equal)
    return contains_text(column, str(match.value))


def like(column: Column, parts: Sequence[str]) -> Column:
    """Return whether the column consists of these parts with anything between them."""
    return column.like("%".join(map(_escaped, parts)), escape="\\")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _chosen(field: Field, choice: str, matches: Sequence[Match]) -> bool:
    """Return whether a choice is among the values, by its position among all choices."""
    position = field.choices.index(choice)
    for match in matches:
        low, high, _ = _bounds(match)
        at_low = low is None or position > _position(field, low, match, ">")
        at_high = high is None or position < _position(field, high, match, "<")
        if at_low and at_high:
            return True
    return False


def _position(field: Field, bound: Quantity, match: Match, operator: str) -> float:
    position = field.choices.index(str(bound))
    strict = isinstance(match, Compare) and match.operator == operator
    return position if strict else position - 0.5 if operator == ">" else position + 0.5


def _bounds(match: Match) -> tuple[Quantity | None, Quantity | None, str]:
    """Return (low, high, operator) of a match on an ordered value."""
    if isinstance(match, Between):
        return match.low, match.high, ""
    if isinstance(match, Compare):
        low = match.value if match.operator in (">", ">=") else None
        return low, match.value if low is None else None, match.operator
    assert isinstance(match, Equal)
    return match.value, match.value, "="


def number_condition(field: Field, column: Column, match: Match) -> Column:
    """Return the condition of a number, or of an interval if the field is a duration."""

    def bound(quantity: Quantity | None) -> Any:
        assert isinstance(quantity, Decimal)
        if field.type is Type.DURATION:
            return sa.literal(timedelta(microseconds=int(quantity * 1_000_000)), sa.Interval)
        return sa.literal(int(quantity) if quantity == int(quantity) else quantity, sa.Numeric)

    if isinstance(match, Equal):
        equal: Column = column == bound(match.value)
        return equal
    if isinstance(match, Compare):
        return _COMPARISONS[match.operator](column, bound(match.value))
    assert isinstance(match, Between)
    conditions = []
    if match.low is not None:
        conditions.append(column >= bound(match.low))
    if match.high is not None:
        conditions.append(column <= bound(match.high))
    return sa.and_(*conditions)


def _time(column: Column, match: Match, clock: Clock) -> Column:
    """Return the condition of a time; a day, month or year is compared as a whole."""
    if isinstance(match, Equal):
        start, end = _resolved(match.value, clock)
        return sa.and_(column >= start, column < end)
    if isinstance(match, Compare):
        return _compared_time(column, match, clock)
    assert isinstance(match, Between)
    conditions = []
    if match.low is not None:
        conditions.append(_compared_time(column, Compare(">=", match.low), clock))
    if match.high is not None:
        # The second, minute or day that is named belongs to the range as a whole.
        start, end = _resolved(match.high, clock)
        conditions.append(column <= start if start == end else column < end)
    return sa.and_(*conditions)


def _compared_time(column: Column, match: Compare, clock: Clock) -> Column:
    assert isinstance(match.value, Moment)
    start, end = _resolved(match.value, clock)
    if is_period(match.value):
        if match.operator == ">":
            return column >= end
        if match.operator == "<=":
            return column < end
    return _COMPARISONS[match.operator](column, start)


def _resolved(value: Quantity, clock: Clock) -> tuple[datetime, datetime]:
    assert isinstance(value, Moment)
    return resolve(value, clock)
