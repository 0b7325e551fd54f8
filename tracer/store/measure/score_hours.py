"""Questions about scores that need no trace: which they are, and cells from sums of hours."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import array

from tracer.measure.buckets import HOUR, Frame
from tracer.measure.fields import OF_SCORES, query_grain
from tracer.measure.question import Question
from tracer.query.parse import parse
from tracer.query.tree import And, Node, Not, Or, Term
from tracer.store.measure.rollup import elements_of, unpacked_key, unpacked_number
from tracer.store.measure.top import key_of
from tracer.store.query.source import Column, Table
from tracer.store.rollups.sums import COUNT_BITS
from tracer.times import EPOCH

_FROM_TRACES: Final = ("id", "start", "env")
_FIELDS_OF_SCORES: Final = (*_FROM_TRACES, *(field.name for field in OF_SCORES))
_OF_HOURS: Final = ("env", "score_name", "source", "data_type")


def needs_scores_alone(question: Question) -> bool:
    """Return whether scores have all that a question needs of their traces."""
    used = (*question.groups, question.measured, question.divisor, question.counted)
    return (
        question.grain == "scores"
        and all(each is None or each.field.name in _FIELDS_OF_SCORES for each in used)
        and _asks_for(question, _FROM_TRACES)
    )


def needs_hours_alone(question: Question, frame: Frame) -> bool:
    """Return whether the sums of hours, and the scores of parts of hours, answer a question."""
    return (
        needs_scores_alone(question)
        and question.counted is None
        and question.divisor is None
        and all(group.field.name in _OF_HOURS for group in question.groups)
        and (question.measured is None or question.measured.field.name == "value")
        and _asks_for(question, ("env",))
        and frame.until - frame.since >= 2 * HOUR
        and not any((start - EPOCH) % HOUR for start in frame.starts[1:])
    )


def _asks_for(question: Question, names: tuple[str, ...]) -> bool:
    """Return whether the queries of a question name no other fields."""
    texts = (question.query, question.part, question.whole)
    return all(_names(parse(text, query_grain(question.grain))) <= {*names} for text in texts)


def _names(node: Node) -> set[str]:
    if isinstance(node, And | Or):
        return {name for item in node.items for name in _names(item)}
    if isinstance(node, Not):
        return _names(node.item)
    return {node.field.name} if isinstance(node, Term) else {"any"}


def counts_of(rows: Table, score: Table) -> tuple[Table, Column, Column]:
    """Return the rows joined with the counts of their values, and (the key, number) of a count."""
    value = key_of(score.c.value)
    own = sa.cast(value, sa.BigInteger) * (1 << COUNT_BITS) + 1
    packed = sa.func.coalesce(
        score.c.counts,
        sa.case((score.c.value.is_not(None), array([own]))),
    )
    each = elements_of(packed)
    key, number = unpacked_key(each.c.value), unpacked_number(each.c.value)
    return rows.join(each, sa.true()), key, sa.cast(number, sa.Double)


def sums_of(question: Question, score: Table, part: Column, whole: Column) -> dict[str, Column]:
    """Return the sums of a cell without keys; ``part`` and ``whole`` are conditions of a share."""
    rows: Column = sa.func.sum(score.c.rows)
    values: Column = rows if question.measured is None else sa.func.sum(score.c.value_count)
    if question.is_share:
        rows, values = (sa.func.sum(score.c.rows).filter(each) for each in (whole & part, whole))
    none = sa.cast(sa.null(), sa.Numeric)
    sums: dict[str, Column] = {}
    if question.measure in ("sum", "average"):
        sums["total"] = sa.func.sum(score.c.total)
    elif question.measure == "min":
        sums["low"] = sa.func.min(score.c.low)
    elif question.measure == "max":
        sums["high"] = sa.func.max(score.c.high)
    return {
        "rows": sa.cast(sa.func.coalesce(rows, 0), sa.BigInteger),
        "whole": sa.cast(sa.func.coalesce(values, 0), sa.BigInteger),
        **{name: sums.get(name, none) for name in ("total", "low", "high", "over")},
    }
