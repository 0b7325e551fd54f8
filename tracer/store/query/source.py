"""Where a field is stored: in a column, in elements of a list, or in rows of another table."""

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
    """Rows of scores; the key of the term is the name of the score."""


def _itself(condition: Column) -> Column:
    return condition


@dataclass(frozen=True, slots=True)
class Source:
    """The column of a field, and how a condition on it becomes one on the row that is listed."""

    column: Column
    shape: Shape = Shape.SCALAR
    of_row: Callable[[Column], Column] = _itself
    """For a column of another table: EXISTS over the rows that belong to the listed row."""


@dataclass(frozen=True, slots=True)
class RowsOf:
    """The rows of another table that belong to the row that is listed."""

    table: Table
    listed: Table
    same: tuple[Column, ...]
    """The conditions under which two rows belong together."""

    def __call__(self, condition: Column) -> Column:
        """Return the condition on the listed row that one of the rows matches."""
        return sa.exists().where(*self.same, condition).correlate(self.listed)


def exists_in(table: Table, of: Table, *keys: str) -> RowsOf:
    """Return the rows of ``table`` that have the ``project_id`` and ``keys`` of one of ``of``."""
    return RowsOf(table, of, tuple(table.c[name] == of.c[name] for name in ("project_id", *keys)))
