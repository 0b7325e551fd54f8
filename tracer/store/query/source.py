"""Where the values of a field are: a column, the elements of a list, or rows of another table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import sqlalchemy as sa

Column = sa.ColumnElement[Any]
Table = sa.FromClause


class Shape(Enum):
    """What the column of a source holds."""

    SCALAR = auto()
    ARRAY = auto()
    """A PostgreSQL array, one of whose elements has to match."""
    KEYS = auto()
    """A JSON object, one of whose keys has to match."""
    ELEMENTS = auto()
    """A JSON list, one of whose elements has to match."""
    JSON_TEXT = auto()
    """The text of a JSON value, in which the characters of strings are escaped."""
    JSON = auto()
    """A JSON object; the value at the key of the term has to match."""
    SCORE = auto()
    """Rows of scores; those with the key of the term as their name count."""


def _itself(condition: Column) -> Column:
    return condition


@dataclass(frozen=True, slots=True)
class Source:
    """The column of a field, and how a condition on it becomes one on the row that is listed."""

    column: Column
    shape: Shape = Shape.SCALAR
    of_row: Callable[[Column], Column] = _itself
    """For a column of another table: EXISTS over the rows that belong to the listed row."""


def exists_in(table: Table, of: Table, *keys: str, also: Column | None = None) -> Any:
    """Return the function from a condition on ``table`` to one on ``of``: a row of it matches.

    Rows belong together where ``project_id`` and ``keys`` are equal; `also` restricts them.
    """
    same = [table.c[name] == of.c[name] for name in ("project_id", *keys)]
    if also is not None:
        same.append(also)
    return lambda condition: sa.exists().where(*same, condition).correlate(of)
