"""Conditions of list queries as values (field, operator, value), and their SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.errors import Invalid
from tracer.records import Json

Column = sa.ColumnElement[Any]


class Condition(NamedTuple):
    """One condition on a row; a list shows the rows that fulfil all of its conditions."""

    field: str
    operator: str
    """A key of OPERATORS or LIST_OPERATORS, or ``is null``, ``is not null``."""
    value: Json | datetime
    key: str | None = None
    """For fields with keys: the key in the metadata, or the name of the score."""


OPERATORS: Final[dict[str, Callable[[Column, Any], Column]]] = {
    "=": lambda column, value: column == value,
    # NULL differs from every value, so a row without the value is among the results.
    "<>": lambda column, value: column.is_distinct_from(value),
    ">": lambda column, value: column > value,
    "<": lambda column, value: column < value,
    ">=": lambda column, value: column >= value,
    "<=": lambda column, value: column <= value,
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "does not contain": lambda column, value: (
        ~sa.func.coalesce(column.contains(value, autoescape=True), False)
    ),
    "starts with": lambda column, value: column.startswith(value, autoescape=True),
    "ends with": lambda column, value: column.endswith(value, autoescape=True),
    "any of": lambda column, value: column.in_(value),
    "none of": lambda column, value: sa.or_(column.is_(None), column.not_in(value)),
}

LIST_OPERATORS: Final[dict[str, Callable[[Column, Any], Column]]] = {
    "=": lambda column, value: column.contains(value),
    "any of": lambda column, value: column.overlap(value),
    "none of": lambda column, value: ~column.overlap(value),
    "all of": lambda column, value: column.contains(value),
}


class Field(NamedTuple):
    """The SQL of a condition's field: one column, or a function from key to column."""

    column: Column | None = None
    of_key: Callable[[str], Column] | None = None


def where(conditions: list[Condition], fields: Mapping[str, Field]) -> list[Column]:
    """Return the SQL of these conditions; raises Invalid: unknown field, operator or value."""
    return [_sql(condition, fields) for condition in conditions]


def metadata_field(column: Column) -> Field:
    """Return the field of a JSON object column, whose values are compared as text."""
    return Field(of_key=lambda key: column.op("->>")(key))


def related(
    value: Column, table: sa.Table, of: sa.Table, keys: Sequence[str], *more: Column
) -> Column:
    """Return a scalar subquery of ``value`` over the rows of ``table`` that belong to ``of``.

    Rows match by ``project_id``, by ``keys``, and by the conditions ``more``.
    """
    same = [table.c[name] == of.c[name] for name in ("project_id", *keys)]
    query = sa.select(value).select_from(table).where(*same, *more)
    return query.correlate(of).scalar_subquery()


def month(time: Column) -> Column:
    """Return the month of a time in UTC, as text like 2026-01."""
    return _formatted(time, "YYYY-MM")


def day(time: Column) -> Column:
    """Return the day of a time in UTC, as text like 2026-01-31."""
    return _formatted(time, "YYYY-MM-DD")


def _formatted(time: Column, pattern: str) -> Column:
    utc = sa.func.timezone(sa.literal_column("'UTC'"), time)
    return sa.func.to_char(utc, sa.literal_column(f"'{pattern}'"), type_=sa.Text)


def _sql(condition: Condition, fields: Mapping[str, Field]) -> Column:
    name, operator, value, key = condition
    field = fields.get(name)
    if field is None:
        raise Invalid(f"{name}: no such column to filter by")
    if field.of_key is not None:
        if not key:
            raise Invalid(f"{name}: expected a key")
        column = field.of_key(key)
    else:
        assert field.column is not None
        column = field.column
    if operator in ("is null", "is not null"):
        return column.is_(None) if operator == "is null" else column.is_not(None)
    known = LIST_OPERATORS if isinstance(column.type, ARRAY) else OPERATORS
    if operator not in known:
        raise Invalid(f"{name}: operator {operator!r} does not fit it")
    return known[operator](column, _typed_value(name, operator, column, value))


def _typed_value(name: str, operator: str, column: Column, value: Any) -> Any:
    """Return the value in the column's type, so that PostgreSQL never rejects the statement.

    Raises Invalid.
    """
    several = operator.endswith(" of") or isinstance(column.type, ARRAY)
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    if several:
        values = value if isinstance(value, list) else [value]
        return [_checked(name, kind, item) for item in values]
    return _checked(name, kind, value)


def _checked(name: str, kind: Any, value: Any) -> Any:
    if isinstance(kind, sa.DateTime):
        fits = isinstance(value, datetime)
    elif isinstance(kind, sa.Boolean):
        fits = isinstance(value, bool)
    elif isinstance(kind, sa.Numeric | sa.Float | sa.Integer):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, str) and "\x00" not in value
    if not fits:
        raise Invalid(f"{name}: {value!r} does not fit the column")
    return value
