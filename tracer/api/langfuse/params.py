"""Query strings in the format of Langfuse's clients: repeated names, page numbers, JSON filters."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Final, Protocol, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from flask import request
from msgspec import Meta

from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.traces.span_search import ROOT
from tracer.wire.native.requests import Time, as_utc
from tracer.wire.reading import read_item

Q = TypeVar("Q", bound="Query")

Page = Annotated[int, Meta(ge=1, le=1_000_000)]
Limit = Annotated[int, Meta(ge=1, le=100)]
Texts = Annotated[list[str], Meta(max_length=100)]
Filter = Annotated[str, Meta(description="JSON: a list of {type, column, operator, value, key}")]


class Query(msgspec.Struct, kw_only=True, rename="camel"):
    """Base of all queries: times get a time zone, and texts must be storable."""

    def __post_init__(self) -> None:
        for name, sent in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            value = getattr(self, name)
            if isinstance(value, datetime):
                setattr(self, name, as_utc(value, sent))


class PageQuery(Query, kw_only=True):
    """A numbered page of a list."""

    page: Page = 1
    limit: Limit = 50

    @property
    def offset(self) -> int:
        """Number of rows before the page."""
        return (self.page - 1) * self.limit


class Paged(Protocol):
    """A query for a numbered page."""

    page: int
    limit: int


class PageMeta(msgspec.Struct, kw_only=True, rename="camel"):
    """The position of a page in its list."""

    page: int
    limit: int
    total_items: int
    total_pages: int


def page_meta(query: Paged, total: int) -> PageMeta:
    """Return the position of the query's page in a list of ``total`` rows."""
    pages = -(-total // query.limit)
    return PageMeta(page=query.page, limit=query.limit, total_items=total, total_pages=pages)


def read_params(kind: type[Q]) -> Q:
    """Return the query string as a ``kind``; unknown parameters are ignored.

    Of a repeated parameter that is no list, the last value is used. Raises Invalid.
    """
    hints = get_type_hints(kind, include_extras=True)
    names = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
    sent: dict[str, Any] = {}
    for name, values in request.args.lists():
        if any("\x00" in value for value in values):
            raise Invalid.of_field(name, "expected text without NUL")
        if name in names:
            sent[name] = values if _is_list(hints[names[name]]) else values[-1]
        else:
            sent[name] = values[-1]
    # An empty filter means no filter.
    return read_item(
        {name: value for name, value in sent.items() if value != ""}, kind, strict=False
    )


def _is_list(hint: Any) -> bool:
    if get_origin(hint) is list:
        return True
    return any(_is_list(part) for part in get_args(hint) if not isinstance(part, Meta))


def groups_of(fields: str | None, known: tuple[str, ...]) -> frozenset[str]:
    """Return the requested groups of fields; None: all; unknown names are ignored."""
    if fields is None:
        return frozenset(known)
    return frozenset(name.strip() for name in fields.split(",")) & frozenset(known)


def split(value: str | None) -> list[str]:
    """Return the parts of a comma-separated list."""
    return [part for part in (value or "").split(",") if part]


class _SentCondition(msgspec.Struct):
    """One condition of a JSON filter as sent."""

    type: str
    column: str
    operator: str
    value: Any = None
    key: str | None = None


_TYPES: Final = (
    "datetime",
    "string",
    "number",
    "stringOptions",
    "arrayOptions",
    "stringObject",
    "numberObject",
    "booleanObject",
    "categoryOptions",
    "boolean",
    "null",
    "positionInTrace",
)
_POSITIONS: Final = {"first": 1, "last": -1, "nthFromStart": 1, "nthFromEnd": -1}
_FURTHEST: Final = 10_000


def read_filter(sent: str | None, columns: dict[str, str]) -> list[Condition]:
    """Return the conditions of a JSON filter, under Tracer's names of columns. Raises Invalid."""
    if not sent:
        return []
    try:
        listed = msgspec.json.decode(sent, type=list[_SentCondition])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid.of_field("filter", f"expected a JSON list of conditions: {error}") from None
    return [_condition(condition, columns) for condition in listed]


def read_conditions(sent: list[Any], columns: dict[str, str]) -> list[Condition]:
    """Return the conditions of a decoded filter, under Tracer's names of columns."""
    return [_condition(read_item(item, _SentCondition), columns) for item in sent]


def _condition(sent: _SentCondition, columns: dict[str, str]) -> Condition:
    if sent.type not in _TYPES:
        raise Invalid.of_field("filter", f"unknown type {sent.type!r}")
    field = columns.get(sent.column)
    if field is None:
        raise Invalid.of_field("filter", f"unknown column {sent.column!r}")
    value = sent.value
    if sent.type == "datetime":
        try:
            value = msgspec.convert(value, Time)
            value = as_utc(value, "filter")
        except (msgspec.ValidationError, ValueError):
            raise Invalid.of_field(
                "filter", f"{sent.column}: expected a time, got {value!r}"
            ) from None
    if sent.type == "positionInTrace":
        return Condition(field, "=", True, _position(sent))
    operator = "contains" if sent.operator == "matches" else sent.operator
    return Condition(field, operator, value, sent.key)


def _position(sent: _SentCondition) -> str:
    """Return the key of a condition on a span's position in its trace."""
    if sent.operator != "=":
        raise Invalid.of_field("filter", f"{sent.column}: expected the operator '='")
    if sent.key == ROOT:
        return ROOT
    if sent.key not in _POSITIONS:
        raise Invalid.of_field(
            "filter", f"{sent.column}: expected a key of {', '.join((ROOT, *_POSITIONS))}"
        )
    number = sent.value if sent.key.startswith("nth") else 1
    if not isinstance(number, int) or not 1 <= number <= _FURTHEST:
        raise Invalid.of_field(
            "filter", f"{sent.column}: expected a number from 1 to {_FURTHEST:,}"
        )
    return str(number * _POSITIONS[sent.key])


def encode_cursor(*parts: Any) -> str:
    """Return an opaque cursor that encodes these values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: Any) -> Any:
    """Return the values of a cursor as a ``kind``; raises Invalid: not issued by this server."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw, type=kind)
        if any(isinstance(part, str) and "\x00" in part for part in values):
            raise ValueError("stored ids contain no NUL")
        return values
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise Invalid.of_field("cursor", "was not made by this server") from None
