"""What questions can measure, group by and count the distinct values of, by grain."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tracer.errors import Invalid
from tracer.query.errors import close_to
from tracer.query.fields import FIELDS, Field, Grain, Type, field_of
from tracer.query.parse import parse
from tracer.query.printing import field_text
from tracer.query.tree import Node

GRAINS: Final = MappingProxyType(
    {
        "traces": (Grain.TRACE, ""),
        "spans": (Grain.SPAN, ""),
        "generations": (Grain.SPAN, "kind:generation"),
        "sessions": (Grain.SESSION, ""),
        "users": (Grain.USER, ""),
        "scores": (Grain.TRACE, "has:score"),
    }
)
"""By grain: what its query selects, and the query that the grain itself is.

Scores are selected by a query on their traces.
"""
TOKEN_TYPE: Final = Field("token_type", Type.TEXT, "type of tokens", ("token_type",))
"""A group of sums of tokens: a row counts for each type with its tokens of that type."""
MISSES: Final = (
    Field("missed_tokens", Type.NUMBER, "repeated input that was not read from cache", ()),
    Field("missed_cost", Type.MONEY, "what that cost more than reading it from cache", ()),
)
"""Of generations, estimated: `tracer.store.measure.misses` defines them. Queries lack them."""
OF_SCORES: Final = (
    Field("score_name", Type.TEXT, "name of the score", ("score_name",)),
    Field("value", Type.ANY, "value of the score", ("value",)),
    Field("source", Type.TEXT, "where the score is from", ("source",)),
    Field("data_type", Type.TEXT, "numeric, categorical, boolean …", ("data_type",)),
)
_NUMBERS: Final = (Type.NUMBER, Type.DURATION, Type.MONEY)
_GROUPS: Final = (Type.TEXT, Type.CHOICE, Type.NUMBER)
_WITH_TOKENS: Final = ("traces", "spans", "generations")


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of a grain, with the key of a keyed one: ``metadata.plan``."""

    field: Field
    key: str | None = None

    @property
    def text(self) -> str:
        """The name as questions and queries have it."""
        return field_text(self.field, self.key)

    @property
    def unit(self) -> str:
        """The unit of the field's values: ``s``, ``usd``, or ``""`` for plain numbers."""
        return {Type.DURATION: "s", Type.MONEY: "usd"}.get(self.field.type, "")


def query_grain(grain: str) -> Grain:
    """Return what the query of a question of this grain selects."""
    return GRAINS[grain][0]


def own_query(grain: str) -> Node:
    """Return the query that all rows of this grain match."""
    selected, text = GRAINS[grain]
    return parse(text, selected)


def measured(grain: str, name: str, parameter: str = "field") -> Reference:
    """Return the field whose numbers are summed; raises Invalid that names ``parameter``."""
    reference = _find(grain, name, parameter)
    if _is_measurable(reference.field):
        return reference
    known = ", ".join(field.name for field in _fields(grain) if field.type in _NUMBERS)
    raise Invalid.of_field(parameter, f"{name} is no number; numbers of {grain} are {known}")


def grouped(grain: str, name: str, parameter: str) -> Reference:
    """Return the field by whose values rows are grouped; raises Invalid."""
    reference = _find(grain, name, parameter)
    if _is_groupable(reference.field):
        return reference
    is_number = reference.field.type in _NUMBERS
    hint = "a histogram shows how such values are distributed" if is_number else ""
    raise Invalid.of_field(parameter, f"rows can't be grouped by {name}; {hint}".rstrip("; "))


def groupable(grain: str) -> list[Field]:
    """Return the fields by which rows of the grain can be grouped, keyed ones included."""
    return list(filter(_is_groupable, _fields(grain)))


def measurable(grain: str) -> list[Field]:
    """Return the fields of the grain that can be summed, keyed ones included."""
    return list(filter(_is_measurable, _fields(grain)))


def _is_groupable(field: Field) -> bool:
    if field in MISSES or field.name in ("has", "usage"):
        return False
    return field.type in (*_GROUPS, Type.ANY)


def _is_measurable(field: Field) -> bool:
    return field.type in (*_NUMBERS, Type.ANY)


def _fields(grain: str) -> tuple[Field, ...]:
    fields = FIELDS[query_grain(grain)]
    if grain == "scores":
        return (*OF_SCORES, *fields)
    if grain == "generations":
        fields = (*fields, *MISSES)
    return (*fields, TOKEN_TYPE) if grain in _WITH_TOKENS else fields


def _find(grain: str, text: str, parameter: str) -> Reference:
    name, _, key = text.partition(".")
    own = [f for f in _fields(grain) if name in (f.name, *f.aliases)]
    field = own[0] if own else field_of(query_grain(grain), name)
    if field is None:
        near = close_to(name, [f.name for f in _fields(grain)])
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise Invalid.of_field(parameter, f"{grain} have no field {name!r}{hint}")
    if field.keyed and not key:
        example = field.examples[0].partition(":")[0]
        raise Invalid.of_field(parameter, f"{name} needs a key, as in {example}")
    if key and not field.keyed:
        raise Invalid.of_field(parameter, f"{name} has no keys, got {text!r}")
    key = key[1:-1] if key.startswith('"') and key.endswith('"') and len(key) > 1 else key
    return Reference(field, key or None)
