"""Compiles one term to SQL: of columns, lists, keys of JSON objects, and scores."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tracer.query.fields import Field, Type
from tracer.query.moments import Clock
from tracer.query.tree import Equal, Glob, Match, Quantity, Term
from tracer.query.values import parse_number, written_number
from tracer.store.query.matches import contains_text, like, number_condition, scalar_condition
from tracer.store.query.source import Column, Shape, Source

# Text that can be cast to a number within PostgreSQL's limits.
_NUMERIC: Final = r"^[+-]?\d{1,15}(\.\d{1,12})?([eE][+-]?\d{1,2})?$"
_NUMBER: Final = Field("value", Type.NUMBER, "a number", ())


def term_condition(term: Term, source: Source, clock: Clock) -> Column:
    """Return the condition that the source has one of the values of ``term``.

    It may be NULL where there is no value.
    """
    if source.shape is Shape.JSON:
        assert term.key is not None
        return source.of_row(
            sa.or_(*(_json(source.column, term.key, match) for match in term.matches))
        )
    if source.shape is Shape.SCORE:
        return source.of_row(_score(source.column, term))
    if source.shape is Shape.JSON_TEXT:
        return source.of_row(sa.or_(*(_json_text(source.column, match) for match in term.matches)))
    if source.shape is Shape.SCALAR:
        return source.of_row(scalar_condition(term.field, source.column, term.matches, clock))
    return source.of_row(sa.or_(*(_listed(source, match) for match in term.matches)))


def words_condition(text: str, source: Source) -> Column:
    """Return the condition that a text stands in the source, in upper or lower case."""
    needle = _escaped_in_json(text) if source.shape is Shape.JSON_TEXT else text
    return source.of_row(contains_text(source.column, needle))


def _json_text(column: Column, match: Match) -> Column:
    assert isinstance(match, Equal | Glob)
    parts = match.parts if isinstance(match, Glob) else (str(match.value),)
    return contains_text(column, *map(_escaped_in_json, parts))


def _escaped_in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def _listed(source: Source, match: Match) -> Column:
    """Return whether one of several values in the row matches."""
    column = source.column
    if isinstance(match, Equal):
        if source.shape is Shape.ARRAY:
            return column.contains(sa.literal([match.value], ARRAY(sa.Text)))
        if source.shape is Shape.KEYS:
            return column.op("?", is_comparison=True)(str(match.value))
        return sa.cast(column, JSONB).contains([match.value])
    assert isinstance(match, Glob)
    function = {
        Shape.ARRAY: sa.func.unnest,
        Shape.KEYS: sa.func.jsonb_object_keys,
        Shape.ELEMENTS: sa.func.jsonb_array_elements_text,
    }[source.shape]
    argument = _as_list(column) if source.shape is Shape.ELEMENTS else column
    elements = function(argument).table_valued("value", name="elements").render_derived()
    text = sa.type_coerce(elements.c.value, sa.Text)
    return (
        sa.select(sa.true())
        .select_from(elements)
        .where(like(text, match.parts))
        .correlate_except(elements)
        .exists()
    )


def _as_list(column: Column) -> Column:
    value = sa.cast(column, JSONB)
    is_list = sa.func.jsonb_typeof(value) == "array"
    return sa.case((is_list, value), else_=sa.literal([], JSONB))


def json_text(column: Column, key: str) -> Column:
    """Return the text of the value at a key of a JSON object, NULL without the key.

    Dots in the key lead into objects, unless the object has the whole key.
    """
    path = sa.literal(key.split("."), ARRAY(sa.Text))
    text = sa.func.coalesce(column.op("->>")(sa.literal(key)), column.op("#>>")(path))
    return sa.type_coerce(text, sa.Text)


def number_of(text: Column) -> Column:
    """Return the number that a text is, NULL where it is none."""
    return sa.case((text.regexp_match(_NUMERIC), sa.cast(text, sa.Numeric)))


def _json(column: Column, key: str, match: Match) -> Column:
    """Return the condition on the value at a key of a JSON object."""
    value = json_text(column, key)
    if isinstance(match, Equal):
        equal: Column = value == _written(match.value)
        return equal
    return like(value, match.parts) if isinstance(match, Glob) else _as_number(value, match)


def _written(value: Quantity) -> str:
    """Return a value of a term as JSON writes it: the types of tokens by kind are numbers."""
    return written_number(value, Type.NUMBER) if isinstance(value, Decimal) else str(value)


def _as_number(text: Column, match: Match) -> Column:
    return number_condition(_NUMBER, number_of(text), match)


def _score(row: Column, term: Term) -> Column:
    """Return the condition on rows of scores; ``row`` is the column of their name."""
    table = row.table
    values = [_score_value(table, match) for match in term.matches]
    return sa.and_(row == term.key, sa.or_(*values))


def _score_value(table: Any, match: Match) -> Column:
    if isinstance(match, Glob):
        return like(sa.func.coalesce(table.c.string_value, ""), match.parts)
    if not isinstance(match, Equal):
        return number_condition(_NUMBER, table.c.value, match)
    text = str(match.value)
    options = [table.c.string_value == text]
    number = parse_number(text, Type.NUMBER)
    if number is not None:
        options.append(table.c.value == float(number))
    if text in ("true", "false"):
        is_flag = table.c.data_type == "boolean"
        options.append(sa.and_(is_flag, table.c.value == (1 if text == "true" else 0)))
    return sa.or_(*options)
