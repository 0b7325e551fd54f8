"""JSON filters in Langfuse's format: the grammar of each type, and aliases of columns.

Whether an operator and a value fit the type of a column is decided in `store.database.conditions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.traces.span_search import ROOT
from tracer.wire.langfuse.times import lenient_time
from tracer.wire.native.requests import Time, utc_field
from tracer.wire.reading import read_item

_NUMERIC: Final = ("=", ">", "<", ">=", "<=")
_TEXTUAL: Final = ("=", "contains", "does not contain", "starts with", "ends with", "matches")
_PRESENT: Final = {"is set": "is not null", "is not set": "is null"}
_OPTIONS: Final = ("any of", "none of")
OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "datetime": _NUMERIC,
    "string": (*_TEXTUAL, "is not empty"),
    "number": _NUMERIC,
    "stringOptions": _OPTIONS,
    "categoryOptions": _OPTIONS,
    "arrayOptions": (*_OPTIONS, "all of"),
    "stringObject": (*_TEXTUAL, *_PRESENT),
    "numberObject": _NUMERIC,
    "booleanObject": ("=", "<>"),
    "boolean": ("=", "<>"),
    "null": ("is null", "is not null"),
    "positionInTrace": ("=",),
}
"""By type of a condition, the operators that it has."""

_LISTS: Final = ("stringOptions", "categoryOptions", "arrayOptions")
_POSITION: Final = "position"
_POSITIONS: Final = {"first": 1, "last": -1, "nthFromStart": 1, "nthFromEnd": -1}
_MAX_POSITION: Final = 10_000
_BODIES: Final = ("input", "output")
_METADATA: Final = "metadata"
_METADATA_NUMBER: Final = "metadata_number"


class _SentCondition(msgspec.Struct):
    """One condition of a JSON filter as sent."""

    type: str
    column: str
    operator: str
    value: Any = None
    key: str | None = None


def read_filter(sent: str | None, columns: Mapping[str, str]) -> list[Condition]:
    """Return the conditions of a JSON filter, under Tracer's names of columns. Raises Invalid."""
    if not sent:
        return []
    try:
        listed = msgspec.json.decode(sent, type=list[_SentCondition])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Invalid.of_field("filter", f"expected a JSON list of conditions: {error}") from None
    return [_condition(condition, columns) for condition in listed]


def read_conditions(sent: Sequence[Any], columns: Mapping[str, str]) -> list[Condition]:
    """Return the conditions of a decoded filter, under Tracer's names of columns."""
    return [_condition(read_item(item, _SentCondition), columns) for item in sent]


def with_filter(plain: Sequence[Condition], filtered: Sequence[Condition]) -> list[Condition]:
    """Return the conditions of both; a filter on a column replaces the plain parameter for it."""
    columns = {condition.field for condition in filtered}
    return [condition for condition in plain if condition.field not in columns] + [*filtered]


def labelled(condition: Condition, labels: Mapping[str, str], other: str = "") -> Condition:
    """Return a condition on Langfuse's names of values as one on Tracer's values.

    ``labels`` are Langfuse's names by Tracer's values, in upper case; ``other`` is the name of all
    values without one. The case of what is sent does not matter. Raises Invalid.
    """
    if condition.operator in ("is null", "is not null"):
        return condition
    sent = condition.value if isinstance(condition.value, list) else [condition.value]
    if not all(isinstance(name, str) for name in sent):
        raise Invalid.of_field("filter", f"{condition.field}: expected text, got {sent!r:.80}")
    names = [str(name).upper() for name in sent]
    matches = _MATCHES.get(condition.operator)
    if matches is None:
        raise Invalid.of_field(
            "filter", f"{condition.field}: operator {condition.operator!r} does not fit it"
        )
    if other and matches(other, names):
        unwanted = [value for value, label in labels.items() if not matches(label, names)]
        return condition._replace(operator="none of", value=unwanted)
    values = [value for value, label in labels.items() if matches(label, names)]
    return condition._replace(operator="any of", value=values)


_MATCHES: Final[dict[str, Callable[[str, list[str]], bool]]] = {
    "=": lambda label, names: label in names,
    "<>": lambda label, names: label not in names,
    "any of": lambda label, names: label in names,
    "none of": lambda label, names: label not in names,
    "contains": lambda label, names: names[0] in label,
    "does not contain": lambda label, names: names[0] not in label,
    "starts with": lambda label, names: label.startswith(names[0]),
    "ends with": lambda label, names: label.endswith(names[0]),
    "is not empty": lambda _label, _names: True,
}


def _condition(sent: _SentCondition, columns: Mapping[str, str]) -> Condition:
    operators = OPERATORS.get(sent.type)
    if operators is None:
        expected = ", ".join(OPERATORS)
        raise Invalid.of_field("filter", f"expected a type of {expected}, got {sent.type!r:.80}")
    field = _field(sent.column, columns)
    if sent.operator not in operators:
        raise Invalid.of_field(
            "filter",
            f"{sent.column}: expected an operator of {', '.join(operators)} for the type"
            f" {sent.type}, got {sent.operator!r:.80}",
        )
    if (sent.type == "positionInTrace") != (field == _POSITION):
        raise Invalid.of_field("filter", f"{sent.column}: the type {sent.type} does not fit it")
    if field == _POSITION:
        return Condition(field, "=", True, _position(sent))
    if field == _METADATA and sent.type == "numberObject":
        field = _METADATA_NUMBER
    matches = "contains in any case" if field in _BODIES else "contains"
    operator = {**_PRESENT, "matches": matches}.get(sent.operator, sent.operator)
    return Condition(field, operator, _value(sent, field), sent.key)


def _field(column: str, columns: Mapping[str, str]) -> str:
    """Return Tracer's name of a column, sent as its id or as its title in Langfuse's UI."""
    field = columns.get(column) or {_simplified(name): ours for name, ours in columns.items()}.get(
        _simplified(column)
    )
    if field is None:
        known = ", ".join(columns)
        raise Invalid(f"Invalid filter column {column!r:.80}: expected one of {known}")
    return field


def _simplified(column: str) -> str:
    """Return a column's id or title in one form: ``totalCost`` and ``Total Cost ($)`` are equal."""
    return re.sub(r"\([^)]*\)|[^a-z0-9]", "", column.lower())


def _value(sent: _SentCondition, field: str) -> Any:
    if sent.type == "datetime":
        try:
            return utc_field(msgspec.convert(lenient_time(sent.value), Time), "filter")
        except (msgspec.ValidationError, ValueError):
            raise Invalid.of_field(
                "filter", f"{sent.column}: expected a time, got {sent.value!r:.80}"
            ) from None
    if sent.operator in _PRESENT or sent.operator == "is not empty":
        return ""
    if sent.type != "null" and isinstance(sent.value, list) != (sent.type in _LISTS):
        expected = "a list" if sent.type in _LISTS else "one value"
        raise Invalid.of_field(
            "filter", f"{sent.column}: expected {expected} for {sent.type}, got {sent.value!r:.80}"
        )
    if sent.type == "booleanObject" and field == _METADATA and isinstance(sent.value, bool):
        # Metadata is compared as text.
        return "true" if sent.value else "false"
    return sent.value


def _position(sent: _SentCondition) -> str:
    """Return the key of a condition on a span's position in its trace."""
    if sent.key == ROOT:
        return ROOT
    if sent.key not in _POSITIONS:
        raise Invalid.of_field(
            "filter", f"{sent.column}: expected a key of {', '.join((ROOT, *_POSITIONS))}"
        )
    position = sent.value if sent.key.startswith("nth") else 1
    if isinstance(position, float) and position.is_integer():
        position = int(position)
    valid = isinstance(position, int) and not isinstance(position, bool)
    if not valid or not 1 <= position <= _MAX_POSITION:
        raise Invalid.of_field(
            "filter", f"{sent.column}: expected a number from 1 to {_MAX_POSITION:,}"
        )
    return str(position * _POSITIONS[sent.key])
