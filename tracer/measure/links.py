"""Queries that select the rows from which a row, interval or bin of an answer was computed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from tracer.measure.fields import MISSES, TOKEN_TYPE, Reference, own_query, query_grain
from tracer.measure.question import Question
from tracer.query.edit import narrowed
from tracer.query.fields import Field, Grain, Type, field_of
from tracer.query.moments import Moment
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import (
    EVERYTHING,
    Compare,
    Equal,
    Glob,
    Match,
    Node,
    Not,
    Or,
    Quantity,
    Term,
)
from tracer.query.values import parse_quantity
from tracer.times import json_time

_ANYTHING: Final = Glob(("", ""))
_SCORE: Final = "score_name"
_MICROSECOND: Final = Decimal("1e-6")
_FINEST: Final = Decimal("1e-12")


def base_query(question: Question) -> str:
    """Return the query of all rows of the question, without its time; terms can be appended."""
    query = question.query.strip()
    grain = query_grain(question.grain)
    if isinstance(parse(query, grain), Or):
        query = f"({query})"
    own = own_query(question.grain)
    if own != EVERYTHING and question.grain != "scores":
        query = narrowed(query, grain, own)
    if question.is_share and question.part:
        for text in (question.whole, question.part):
            query = narrowed(query, grain, parse(text, grain)) if text.strip() else query
    return query


def time_query(since: datetime, until: datetime, grain: Grain = Grain.TRACE) -> str:
    """Return the terms that rows began in a range of time."""
    start = field_of(grain, "start")
    assert start is not None
    bounds = (Compare(">=", Moment(json_time(since))), Compare("<", Moment(json_time(until))))
    return " ".join(to_text(Term(start, None, (bound,))) for bound in bounds)


def group_query(question: Question, query: str, groups: Sequence[str | None]) -> str:
    """Return the query of the rows of one group; ``query`` is that of the rows of all groups."""
    grain = query_grain(question.grain)
    for node in _group_terms(question, groups):
        query = narrowed(query, grain, node)
    if question.grain == "scores" and _SCORE not in [r.field.name for r in question.groups]:
        query = narrowed(query, grain, own_query(question.grain))
    return query


def rest_query(question: Question, query: str, values: Sequence[str | None]) -> str:
    """Return the query of the rows that have none of these values of the only group."""
    grain, reference = query_grain(question.grain), question.groups[0]
    named = tuple(_equal(reference.field, value) for value in values if value is not None)
    if named:
        query = narrowed(query, grain, Not(Term(reference.field, reference.key, named)))
    if None in values:
        query = narrowed(query, grain, _present(grain, reference))
    return query


def bin_query(question: Question, query: str, low: float, high: float) -> str:
    """Return the query of the rows whose value of the field is in a bin: low inclusive."""
    grain, reference = query_grain(question.grain), question.measured
    assert reference is not None
    if question.grain == "scores" or reference.field in MISSES:
        return query
    field = reference.field
    bounds = [Compare(">=", _rounded(low, field)), Compare("<", _rounded(high, field))]
    if low == high:
        return narrowed(query, grain, Term(field, reference.key, (Equal(Decimal(0)),)))
    for bound in bounds:
        query = narrowed(query, grain, Term(field, reference.key, (bound,)))
    return query


def join(*queries: str) -> str:
    """Return the conjunction of queries, each of which has OR in parentheses only."""
    return " ".join(query for query in queries if query)


def _group_terms(question: Question, groups: Sequence[str | None]) -> list[Node]:
    grain = query_grain(question.grain)
    pairs = list(zip(question.groups, groups, strict=True))
    if question.grain == "scores":
        return _score_terms(pairs)
    terms: list[Node] = []
    for reference, value in pairs:
        if reference.field is TOKEN_TYPE:
            terms += _token_terms(grain, value)
        else:
            terms.append(_value_term(grain, reference, value))
    return terms


def _token_terms(grain: Grain, value: str | None) -> list[Node]:
    usage = field_of(grain, "usage")
    if usage is None or value is None:
        return []
    return [Term(usage, value, (Compare(">", Decimal(0)),))]


def _score_terms(pairs: Sequence[tuple[Reference, str | None]]) -> list[Node]:
    """Return the terms about traces; those of scores are one term, of the name and the value."""
    score = field_of(Grain.TRACE, "score")
    assert score is not None
    own = {reference.field.name: value for reference, value in pairs}
    terms: list[Node] = []
    if own.get(_SCORE) is not None:
        value = own.get("value")
        match = _ANYTHING if value is None else Equal(value)
        terms.append(Term(score, own[_SCORE], (match,)))
    for reference, value in pairs:
        if field_of(Grain.TRACE, reference.field.name) is reference.field:
            terms.append(_value_term(Grain.TRACE, reference, value))
    return terms


def _value_term(grain: Grain, reference: Reference, value: str | None) -> Node:
    """Return the condition that a field has a value; None: that it has none."""
    if value is None:
        return Not(_present(grain, reference))
    return Term(reference.field, reference.key, (_equal(reference.field, value),))


def _present(grain: Grain, reference: Reference) -> Node:
    has = field_of(grain, "has")
    if has is not None and reference.key is None and reference.field.name in has.choices:
        return Term(has, None, (Equal(reference.field.name),))
    return Term(reference.field, reference.key, _anything(reference.field))


def _anything(field: Field) -> tuple[Match, ...]:
    if field.type is Type.CHOICE:
        return tuple(Equal(choice) for choice in field.choices)
    if field.type is Type.NUMBER:
        return (Compare(">=", Decimal(0)), Compare("<", Decimal(0)))
    return (_ANYTHING,)


def _equal(field: Field, value: str) -> Equal:
    if field.type is Type.NUMBER:
        number = parse_quantity(value, field)
        return Equal(number if number is not None else Decimal(0))
    return Equal(value)


def _rounded(value: float, field: Field) -> Quantity:
    """Return the least number that a value of the field can have and that is not below this."""
    step = _MICROSECOND if field.type is Type.DURATION else _FINEST
    return Decimal(value).quantize(step, ROUND_CEILING).normalize() + 0
