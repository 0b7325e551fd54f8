"""Conditions of list queries as values (field, operator, value), and their SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
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
    """A key of an entry of OPERATORS, or ``is null``, ``is not null``."""
    value: Json | datetime
    key: str | None = None
    """For fields with keys: the key in the metadata, or the name of the score."""


Operator = Callable[[Column, Any], Column]
"""From a column and a checked value to a condition."""

_EQUAL: Final[dict[str, Operator]] = {
    "=": lambda column, value: column == value,
    # NULL differs from every value, so a row without the value is among the results.
    "<>": lambda column, value: column.is_distinct_from(value),
    "any of": lambda column, values: column == sa.any_(values),
    "none of": lambda column, values: sa.or_(column.is_(None), column != sa.all_(values)),
}
_ORDERED: Final[dict[str, Operator]] = {
    ">": lambda column, value: column > value,
    "<": lambda column, value: column < value,
    ">=": lambda column, value: column >= value,
    "<=": lambda column, value: column <= value,
}
_TEXT: Final[dict[str, Operator]] = {
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "does not contain": lambda column, value: (
        ~sa.func.coalesce(column.contains(value, autoescape=True), False)
    ),
    "contains in any case": lambda column, value: column.icontains(value, autoescape=True),
    "starts with": lambda column, value: column.startswith(value, autoescape=True),
    "ends with": lambda column, value: column.endswith(value, autoescape=True),
    "is not empty": lambda column, _value: column != "",
}
_PATTERN: Final[dict[str, Operator]] = {
    "contains": lambda column, value: column.ilike(f"%{_complete(value)}%"),
    "does not contain": lambda column, value: (
        ~sa.func.coalesce(column.ilike(f"%{_complete(value)}%"), False)
    ),
    "starts with": lambda column, value: column.ilike(f"{_complete(value)}%"),
    "ends with": lambda column, value: column.ilike(f"%{_complete(value)}"),
    "is not empty": _TEXT["is not empty"],
}
_LIST: Final[dict[str, Operator]] = {
    "=": lambda column, values: column.contains(values),
    "any of": lambda column, values: column.overlap(values),
    "none of": lambda column, values: ~column.overlap(values),
    "all of": lambda column, values: column.contains(values),
}
OPERATORS: Final[dict[str, dict[str, Operator]]] = {
    "text": {**_EQUAL, **_TEXT},
    "pattern": {**_EQUAL, **_PATTERN},
    "number": {**_EQUAL, **_ORDERED},
    "time": {**_EQUAL, **_ORDERED},
    "boolean": _EQUAL,
    "list": _LIST,
}
"""By the type of a column, the operators that fit it; ``is null`` and ``is not null`` fit any."""

# As the JSON and SQL grammars have numbers; longer ones would not fit a numeric.
_NUMBER: Final = r"^-?[0-9]{1,200}(\.[0-9]{1,200})?([eE][+-]?[0-9]{1,3})?$"
_PYTHON_TYPES: Final = {"text": str, "pattern": str, "time": datetime, "boolean": bool}
_NO_VALUE: Final = ("is null", "is not null")
_GREATEST: Final = Decimal("1e300")
"""Numbers beyond it are refused: a double precision column can't be compared with them."""


class Pattern(sa.Text):
    """A text that is searched in any case, for patterns of LIKE: ``%``, ``_``, backslashes."""


class Field(NamedTuple):
    """The SQL of a condition's field: one column, a function from key to column, or both."""

    column: Column | None = None
    of_key: Callable[[str], Column] | None = None


def where(conditions: list[Condition], fields: Mapping[str, Field]) -> list[Column]:
    """Return the SQL of these conditions; raises Invalid: unknown field, operator or value."""
    return [_sql(condition, fields) for condition in conditions]


def metadata_field(column: Column) -> Field:
    """Return the field of a JSON object column, whose values are compared as text."""
    return Field(of_key=lambda key: value_of_key(column, key))


def value_of_key(column: Column, key: str) -> Column:
    """Return the value of a key of a JSON object column as text."""
    return column.op("->>", return_type=sa.Text())(key)


def numbers_of(field: Field) -> Field:
    """Return a field of texts by key as one of numbers; a text that is none counts as no value."""
    of_key = field.of_key
    assert of_key is not None

    def number(key: str) -> Column:
        value = of_key(key)
        return sa.case((value.regexp_match(_NUMBER), sa.cast(value, sa.Numeric)))

    return Field(of_key=number)


def related(
    value: Column, table: sa.FromClause, of: sa.Table, keys: Sequence[str], *more: Column
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


def column_type(column: Column) -> str:
    """Return the type of a column as a key of OPERATORS."""
    return "list" if isinstance(column.type, ARRAY) else _scalar_type(column.type)


def _scalar_type(kind: Any) -> str:
    if isinstance(kind, sa.DateTime):
        return "time"
    if isinstance(kind, sa.Boolean):
        return "boolean"
    if isinstance(kind, Pattern):
        return "pattern"
    return "number" if isinstance(kind, sa.Numeric | sa.Float | sa.Integer) else "text"


def _sql(condition: Condition, fields: Mapping[str, Field]) -> Column:
    name, operator, value, key = condition
    field = fields.get(name)
    if field is None:
        raise Invalid(f"{name}: no such column to filter by")
    column = _column(name, field, key)
    if operator in _NO_VALUE:
        return column.is_(None) if operator == "is null" else column.is_not(None)
    kind = column_type(column)
    if operator not in OPERATORS[kind]:
        raise Invalid(f"{name}: operator {operator!r} does not fit it: {_expected(kind)}")
    return OPERATORS[kind][operator](column, _bound(name, operator, column, value))


def _column(name: str, field: Field, key: str | None) -> Column:
    """Return the column of a field, or that of the key in it; raises Invalid."""
    if key and field.of_key is not None:
        if "\x00" in key:
            raise Invalid(f"{name}: expected a key without NUL")
        return field.of_key(key)
    if field.column is None:
        raise Invalid(f"{name}: expected a key")
    return field.column


def _expected(kind: str) -> str:
    return f"expected one of {', '.join((*OPERATORS[kind], *_NO_VALUE))}"


def _bound(name: str, operator: str, column: Column, value: Any) -> Any:
    """Return the value in the column's type, so that PostgreSQL never rejects the statement.

    Raises Invalid.
    """
    several = operator.endswith(" of") or isinstance(column.type, ARRAY)
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    # Any number can be compared with an integer column, also one that it can't hold.
    bound = sa.Numeric() if _scalar_type(kind) == "number" and not _is_double(kind) else kind
    if several:
        values = value if isinstance(value, list) else [value]
        return sa.literal([_checked(name, kind, item) for item in values], ARRAY(bound))
    checked = _checked(name, kind, value)
    return checked if isinstance(checked, str) else sa.literal(checked, bound)


def _is_double(kind: Any) -> bool:
    return isinstance(kind, sa.Float)


def _checked(name: str, kind: Any, value: Any) -> Any:
    """Return the value as its column's Python type; raises Invalid."""
    wanted = _scalar_type(kind)
    if wanted == "number":
        number = _finite(value)
        if number is not None:
            return float(number) if _is_double(kind) else number
    elif isinstance(value, _PYTHON_TYPES[wanted]) and "\x00" not in str(value):
        return value
    raise Invalid(f"{name}: expected a {wanted}, got {_shown(value)}")


def _complete(pattern: str) -> str:
    """Return a pattern whose last backslash escapes something: PostgreSQL refuses others."""
    backslashes = len(pattern) - len(pattern.rstrip("\\"))
    return pattern + "\\" * (backslashes % 2)


def _finite(value: Any) -> Decimal | None:
    """Return a number exactly; None: it is none, or beyond what can be compared."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() and abs(number) <= _GREATEST else None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def between(
    time: Column, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a time is in a range; ``until`` is exclusive, None: open."""
    conditions = [] if since is None else [time >= since]
    return conditions if until is None else [*conditions, time < until]
