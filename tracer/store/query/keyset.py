"""Sorts rows by several columns and pages through them by keyset, ties broken by id."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from tracer.errors import Invalid
from tracer.query.errors import close_to
from tracer.query.fields import Grain, Type, field_of
from tracer.store.database.paging import BadCursor, Page
from tracer.store.query.compile import sources_of
from tracer.store.query.source import Column, RowsOf, Shape, Source, Table
from tracer.store.query.terms import json_text
from tracer.times import from_micros, to_micros

T = TypeVar("T")

SORTABLE: Final = {
    Grain.TRACE: (
        *("start", "end", "latency", "cost", "tokens", "input_tokens", "output_tokens"),
        *("spans", "errors", "warnings", "name", "user", "session", "env", "release", "version"),
        *("status", "id"),
    ),
    Grain.SESSION: (
        *("end", "start", "latency", "traces", "errors", "running", "spans", "tokens", "cost"),
        "id",
    ),
    Grain.SPAN: (
        *("start", "end", "latency", "first_token", "cost", "tokens", "input_tokens"),
        *("output_tokens", "name", "kind", "model", "level", "status", "id"),
    ),
    Grain.USER: ("end", "start", "traces", "sessions", "errors", "tokens", "cost", "id"),
}
"""The fields that lists can be sorted by; the first one is the default, latest first."""
KEYED: Final = {
    Grain.TRACE: ("metadata", "score"),
    Grain.SPAN: ("metadata", "score"),
    Grain.SESSION: ("score",),
}
"""The fields with keys; a list can be sorted by the value of a key, such as ``metadata.plan``."""
MAX_SORT_KEYS: Final = 4
_MAX_KEY_LENGTH: Final = 200
_MICROSECOND: Final = timedelta(microseconds=1)


class SortKey(NamedTuple):
    """A field to sort by."""

    field: str
    descending: bool

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


def parse_sort(text: str | None, grain: Grain) -> tuple[SortKey, ...]:
    """Return the sort keys of a text like ``-cost,start``; empty: the default. Raises Invalid."""
    if not text:
        return (SortKey(SORTABLE[grain][0], True),)
    keys = [
        SortKey(name.removeprefix("-"), name.startswith("-")) for name in text.split(",") if name
    ]
    for key in keys:
        if key.field not in SORTABLE[grain] and not _keyed(key.field, grain):
            close = close_to(key.field, SORTABLE[grain])
            hint = f"; did you mean `{close[0]}`?" if close else ""
            raise Invalid(f"sort: `{key.field}` is no field to sort by{hint}")
    unique = {key.field: key for key in reversed(keys)}
    return tuple(dict.fromkeys(unique[key.field] for key in keys))[:MAX_SORT_KEYS]


def _keyed(name: str, grain: Grain) -> tuple[str, str] | None:
    """Return (field, key) of a name like ``metadata.plan``; None: it is none to sort by."""
    field, _, key = name.partition(".")
    if field not in KEYED.get(grain, ()) or not 0 < len(key) <= _MAX_KEY_LENGTH:
        return None
    return field, key


def sort_text(keys: Sequence[SortKey]) -> str:
    """Return the text that `parse_sort` reads."""
    return ",".join(map(str, keys))


class Position(NamedTuple):
    """The row at the edge of a page: its values of the sort keys and of the ids."""

    forward: bool
    values: list[Any]
    ids: list[str]


@dataclass(frozen=True)
class Order:
    """The order of a list: columns of sort keys, then ids as they are ordered without keys."""

    keys: tuple[SortKey, ...]
    columns: list[Column]
    ids: list[Column]
    types: list[Type]

    @classmethod
    def of(cls, keys: tuple[SortKey, ...], grain: Grain, table: Table, *ids: Column) -> Order:
        """Return the order of rows of ``table`` by these keys, then by ids."""
        sources = sources_of(grain, table)
        columns, types = [], []
        for key in keys:
            field = field_of(grain, key.field)
            if field is not None:
                columns.append(sources[key.field].column)
                types.append(field.type)
            elif keyed := _keyed(key.field, grain):
                columns.append(_value_of_key(sources[keyed[0]], keyed[1]))
                types.append(Type.ANY)
        return cls(keys, columns, list(ids), types)

    def clauses(self, forward: bool = True) -> list[Any]:
        """Return the ORDER BY; rows without a value come last, read backwards first."""
        clauses: list[Any] = []
        for key, column in zip(self.keys, self.columns, strict=True):
            clause = column.desc() if key.descending == forward else column.asc()
            if _is_nullable(column):
                clause = clause.nulls_last() if forward else clause.nulls_first()
            clauses.append(clause)
        descending = self.keys[0].descending == forward
        return clauses + [column.desc() if descending else column.asc() for column in self.ids]

    def beyond(self, position: Position) -> Column:
        """Return the condition that a row comes after the position, in its direction."""
        descending = self.keys[0].descending == position.forward
        if len(self.columns) == 1 and not _is_nullable(self.columns[0]):
            # A comparison of rows, which one index serves.
            row = sa.tuple_(*self.columns, *self.ids)
            last = sa.tuple_(
                sa.literal(position.values[0], self.columns[0].type),
                *(sa.literal(value, sa.Text) for value in position.ids),
            )
            return row < last if descending else row > last
        ids = sa.tuple_(*self.ids)
        last_ids = sa.tuple_(*(sa.literal(value, sa.Text) for value in position.ids))
        options = [ids < last_ids if descending else ids > last_ids]
        steps = list(zip(self.keys, self.columns, position.values, strict=True))
        for key, column, value in reversed(steps):
            after, equal = _after(key, column, value, position.forward)
            options = [after, *(sa.and_(equal, option) for option in options)]
        return sa.or_(*options)

    def of_subquery(self, rows: sa.Subquery, *ids: str) -> Order:
        """Return the same order for the rows of a subquery with the columns `labelled`."""
        columns: list[Column] = [rows.c[f"sort_{index}"] for index in range(len(self.keys))]
        return replace(self, columns=columns, ids=[rows.c[name] for name in ids])

    def position(self, values: Sequence[Any], ids: Sequence[str], forward: bool) -> str:
        """Return the cursor of a row."""
        shown = [_encoded(value) for value in values]
        raw = msgspec.json.encode([forward, sort_text(self.keys), shown, list(ids)])
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def decode(self, cursor: str) -> Position:
        """Return the position that a cursor of this order names; raises BadCursor."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            forward, sort, values, ids = msgspec.json.decode(
                raw, type=tuple[bool, str, list[str | int | float | None], list[str]]
            )
            same = sort == sort_text(self.keys) and len(ids) == len(self.ids)
            if not same or any("\x00" in str(value) for value in [*values, *ids]):
                raise ValueError("the cursor belongs to another list")
            decoded = [_decoded(*pair) for pair in zip(values, self.types, strict=True)]
            return Position(forward, decoded, ids)
        except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError, InvalidOperation):
            raise BadCursor("this cursor was not made by this list") from None


def _value_of_key(source: Source, key: str) -> Column:
    """Return the text at a key of metadata, or the latest number of a score."""
    rows = source.of_row
    assert isinstance(rows, RowsOf), "the values of keys are in a table of their own"
    if source.shape is Shape.SCORE:
        score = rows.table
        query = sa.select(score.c.value).where(*rows.same, score.c.name == key)
        query = query.order_by(score.c.time.desc(), score.c.score_id).limit(1)
    else:
        query = sa.select(json_text(source.column, key)).where(*rows.same)
    return query.correlate(rows.listed).scalar_subquery()


def labelled(order: Order) -> list[sa.Label[Any]]:
    """Return the columns of the sort keys under names that no other column has."""
    return [column.label(f"sort_{index}") for index, column in enumerate(order.columns)]


def cut(
    rows: Sequence[sa.RowMapping],
    limit: int,
    order: Order,
    position: Position | None,
    ids: Sequence[str],
    create: Callable[[dict[str, Any]], T],
) -> Page[T]:
    """Cut ``limit`` + 1 fetched rows, in the direction of ``position``, to a page.

    The rows have the columns `labelled` and ``ids``; ``create`` makes an item of the other columns.
    """
    more = len(rows) > limit
    page = list(rows[:limit])
    backward = position is not None and not position.forward
    if backward:
        page.reverse()

    def cursor(row: sa.RowMapping, *, forward: bool) -> str:
        values = [row[f"sort_{index}"] for index in range(len(order.keys))]
        return order.position(values, [row[name] for name in ids], forward)

    has_previous = bool(page) and (more if backward else position is not None)
    has_next = bool(page) and (backward or more)
    items = [
        create({name: value for name, value in row.items() if not name.startswith("sort_")})
        for row in page
    ]
    return Page(
        items,
        older=cursor(page[-1], forward=True) if has_next else None,
        newer=cursor(page[0], forward=False) if has_previous else None,
    )


def _is_nullable(column: Column) -> bool:
    # Expressions are assumed to be nullable, at the cost of one more comparison.
    return bool(getattr(column, "nullable", True))


def _after(key: SortKey, column: Column, value: Any, forward: bool) -> tuple[Column, Column]:
    """Return (the column's value comes later, it is equal), in the direction of reading."""
    later: Column
    if value is None:
        later = sa.false() if forward else column.is_not(None)
        return later, column.is_(None)
    literal = sa.literal(value, column.type)
    later = column < literal if key.descending == forward else column > literal
    if forward and _is_nullable(column):
        later = sa.or_(later, column.is_(None))
    return later, column == literal


def _encoded(value: Any) -> str | int | float | None:
    if isinstance(value, datetime):
        return to_micros(value)
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    return str(value) if isinstance(value, Decimal) else value


def _decoded(value: str | int | float | None, kind: Type) -> Any:
    if value is None or kind is Type.ANY:
        return value
    if kind is Type.TIME:
        return from_micros(int(value))
    if kind is Type.DURATION:
        return timedelta(microseconds=int(value))
    if kind is Type.MONEY:
        return Decimal(value)
    return int(value) if kind is Type.NUMBER else str(value)
