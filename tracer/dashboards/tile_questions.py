"""Completes the questions of a tile with the dashboard's time, query and variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from tracer.dashboards.document import Tile, range_of
from tracer.dashboards.variables import joined, substituted
from tracer.measure.fields import query_grain
from tracer.measure.question import Question
from tracer.query.edit import narrowed
from tracer.query.fields import Grain, field_of
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import EVERYTHING, Equal, Node, Not, Related, Term, conjuncts

_SHARED: Final = ("env", "user", "session", "release", "tag")
"""Fields that traces and spans both have, with the same meaning."""
_INTERVALS: Final = {"line": 84, "area": 84, "bar": 60, "number": 42, "heat_map": 60}


@dataclass(frozen=True, slots=True)
class Frame:
    """What all tiles of a dashboard share: range of time, query on traces, values of variables."""

    range: str
    query: str
    values: Mapping[str, str]


def question_of(tile: Tile, frame: Frame) -> Question:
    """Return the question of a tile; raises Invalid and QueryError."""
    question = _framed(tile.question, frame)
    buckets = _INTERVALS.get(tile.chart, 0)
    return replace(
        question,
        buckets=min(question.buckets, buckets) or buckets if buckets else 0,
        previous=tile.chart == "number",
    )


def column_question(question: Question, frame: Frame, values: Sequence[str]) -> Question:
    """Return the question of a further column of a table: only of the groups that are shown.

    ``values`` are those of its first group.
    """
    question = _framed(question, frame)
    reference = question.groups[0]
    grain = query_grain(question.grain)
    field = field_of(grain, reference.field.name)
    if field is None or not values:
        return replace(question, limit=100)
    listed = Term(field, reference.key, tuple(Equal(value) for value in values))
    return replace(question, limit=100, query=narrowed(question.query, grain, listed))


def _framed(question: Question, frame: Frame) -> Question:
    since, until = range_of(frame.range)
    grain = query_grain(question.grain)
    shared = of_grain(_read(frame.query, Grain.TRACE, frame), grain)
    own = _read(question.query, grain, frame)
    new = [node for node in conjuncts(shared) if node not in conjuncts(own)]
    return replace(
        question,
        query=to_text(joined(own, *new)),
        part=to_text(_read(question.part, grain, frame)),
        whole=to_text(_read(question.whole, grain, frame)),
        since=since,
        until=until,
    )


def _read(text: str, grain: Grain, frame: Frame) -> Node:
    return substituted(parse(text, grain), frame.values)


def of_grain(node: Node, grain: Grain) -> Node:
    """Return a query on traces as one on the rows of another grain: those of such traces."""
    if grain is Grain.TRACE or node == EVERYTHING:
        return node
    plain: list[Node] = []
    others: list[Node] = []
    for item in conjuncts(node):
        (plain if grain is Grain.SPAN and _is_shared(item) else others).append(item)
    related = [Related(Grain.TRACE, joined(*others))] if others else []
    return joined(*plain, *related)


def _is_shared(node: Node) -> bool:
    if isinstance(node, Not):
        return _is_shared(node.item)
    return isinstance(node, Term) and node.field.name in _SHARED
