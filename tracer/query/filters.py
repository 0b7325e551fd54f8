"""Builds queries from single parameters: the filters of the API and of older addresses."""

from __future__ import annotations

from datetime import datetime

from tracer.query.fields import Grain, Type, field_of
from tracer.query.moments import Moment
from tracer.query.tree import And, Compare, Equal, Node, Not, Operator, Term
from tracer.times import json_time


def equals(grain: Grain, name: str, value: str | None) -> list[Node]:
    """Return the term that a field has exactly this value; None: no condition."""
    field = field_of(grain, name)
    assert field is not None
    assert field.type in (Type.TEXT, Type.CHOICE)
    return [] if value is None else [Term(field, None, (Equal(value),))]


def compares(grain: Grain, name: str, operator: Operator, time: datetime | None) -> list[Node]:
    """Return the term that compares a time; None: no condition."""
    field = field_of(grain, name)
    assert field is not None
    assert field.type is Type.TIME
    if time is None:
        return []
    return [Term(field, None, (Compare(operator, Moment(json_time(time))),))]


def has(grain: Grain, what: str, wanted: bool | None) -> list[Node]:
    """Return the term that something is present, or missing; None: no condition."""
    field = field_of(grain, "has")
    assert field is not None
    assert what in field.choices
    term = Term(field, None, (Equal(what),))
    return [] if wanted is None else [term if wanted else Not(term)]


def joined(*conditions: list[Node]) -> Node:
    """Return the query that asks for all of these."""
    nodes = [node for condition in conditions for node in condition]
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))
