"""Queries that select traces by an attribute of the trace, of its spans or of its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from tracer.query.fields import Grain, field_of
from tracer.query.tree import (
    And,
    Compare,
    Equal,
    Glob,
    Match,
    Node,
    Not,
    SpanPath,
    Spans,
    Term,
    conjuncts,
    terms,
)

ANYTHING: Final = Glob(("", ""))
_OF_SPANS: Final = {"tool": "name", "failed": "name", "provider": "provider", "finish": "finish"}

_FAILURE_FIELDS: Final = {"status", "error", "errors", "has:error"}
"""Fields that select failed traces."""
_IMPLIED_BY_FAILURE: Final = {"error", "failed", "has:error"}
"""Fields that every failed trace has."""


def attribute_query(name: str, value: str | None) -> Node:
    """Return the query for traces with a value of a field; None: for traces without the field.

    ``name`` is a field of traces, with its key after a dot, or ``key`` (the value is a key of the
    metadata), or one of spans: ``tool``, ``failed`` (a failed span), ``provider``, ``prompt`` (a
    name, or name@version), ``finish``.
    """
    if name == "key":
        return _term(Grain.TRACE, f"metadata.{value}", ANYTHING)
    if value is None:
        present = (
            _term(Grain.TRACE, name, ANYTHING)
            if "." in name
            else _term(Grain.TRACE, "has", Equal(name))
        )
        return Not(present)
    if name == "prompt":
        return _any(*_prompt(value))
    if name in _OF_SPANS:
        own = _term(Grain.SPAN, _OF_SPANS[name], Equal(value))
        kinds = _term(Grain.SPAN, "kind", Equal("tool"), Equal("function"))
        level = _term(Grain.SPAN, "level", Equal("error"))
        return _any(*{"tool": [kinds], "failed": [level]}.get(name, []), own)
    return _term(Grain.TRACE, name, Equal(value))


def one_of(name: str, values: Sequence[str]) -> Node:
    """Return the query for traces whose field has one of these values (at least one)."""
    return _term(Grain.TRACE, name, *map(Equal, values))


def threshold_query(name: str, operator: Literal["<", ">"], value: float) -> Node:
    """Return the query for traces whose number is less or greater than a threshold."""
    return _term(Grain.TRACE, name, Compare(operator, Decimal(str(value))))


def queried_fields(node: Node) -> set[str]:
    """Return the fields of the top level of a query, by the names that `attribute_query` takes."""
    names: set[str] = set()
    for item in conjuncts(node):
        own = item.item if isinstance(item, Not) else item
        if isinstance(own, Term) and own.field.name == "has":
            names |= {f"has:{match.value}" for match in own.matches if isinstance(match, Equal)}
        elif isinstance(own, Term):
            names.add(f"{own.field.name}.{own.key}" if own.key else own.field.name)
        elif isinstance(own, Spans):
            names |= _of_spans(own)
    return names | _IMPLIED_BY_FAILURE if names & _FAILURE_FIELDS else names


def _of_spans(spans: Spans) -> set[str]:
    fields = {term.field.name for term in terms(spans)}
    names = fields & {"provider", "prompt", "finish", "model"}
    if "name" in fields:
        names |= {"tool", "failed"}
    return names | _IMPLIED_BY_FAILURE if fields & {"level", "status"} else names


def _prompt(value: str) -> list[Node]:
    name, mark, version = value.rpartition("@")
    if not (mark and version.isdigit()):
        return [_term(Grain.SPAN, "prompt", Equal(value))]
    number = _term(Grain.SPAN, "prompt_version", Equal(Decimal(version)))
    return [_term(Grain.SPAN, "prompt", Equal(name)), number]


def _any(*conditions: Node) -> Node:
    step = conditions[0] if len(conditions) == 1 else And(conditions)
    return Spans("any", SpanPath((step,), ()))


def _term(grain: Grain, name: str, *matches: Match) -> Term:
    name, _, key = name.partition(".")
    field = field_of(grain, name)
    assert field is not None, name
    return Term(field, key or None, matches)
