"""The answer about what differs between two selections of traces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tracer.analysis.differences import numbers, ranking
from tracer.analysis.differences.numbers import Limit, Numbers
from tracer.analysis.differences.ranking import Attribute, Counted, Totals
from tracer.query.derived.attributes import asked, asking_for, beyond
from tracer.query.printing import to_text
from tracer.query.tree import Node
from tracer.store.selections.differences import NUMBERS, Differences

Share = Annotated[float, Meta(description="share of the side's traces, 0 to 1")]


class DifferingValue(msgspec.Struct, kw_only=True):
    """A value of a field, and how often it occurs on both sides."""

    field: Annotated[str, Meta(description="a field of traces, or tool, failed, prompt, finish …")]
    value: Annotated[str | None, Meta(description="null: the field is absent")]
    term: Annotated[str, Meta(description="the query for such traces")]
    selected: int
    others: int
    selected_share: Share
    others_share: Share
    times: Annotated[float | None, Meta(description="times as often; null: the others lack it")]
    estimated: Annotated[bool, Meta(description="the counts were estimated from samples")]


class Difference(DifferingValue, kw_only=True):
    """A field by its surest value, with its other values."""

    surety: Annotated[float, Meta(description="statistic G of the counts; above 6.6 it is sure")]
    kin: list[DifferingValue]
    alike: Annotated[list[str], Meta(description="terms of other fields with equal counts")]


class NumberBar(msgspec.Struct, kw_only=True):
    """How many counted traces have a number from ``low`` to below ``high``."""

    low: float
    high: float
    selected: int
    others: int


class NumberDifference(msgspec.Struct, kw_only=True):
    """How a number is distributed on both sides: seconds, dollars, tokens or spans."""

    field: str
    selected_median: float
    others_median: float
    term: Annotated[str | None, Meta(description="the term that separates both sides best")]
    bars: list[NumberBar]


class DifferenceAnswer(msgspec.Struct, kw_only=True):
    """What differs between the traces of a query and others; fields ranked surest first."""

    query: str
    others_query: str
    selected: Annotated[int, Meta(description="traces that the query selects")]
    others: int
    estimated: Annotated[bool, Meta(description="the numbers of traces are estimates")]
    more: list[Difference]
    less: list[Difference]
    same: Annotated[list[str], Meta(description="fields that do not differ surely")]
    left_out: Annotated[list[str], Meta(description="fields that the query itself asks for")]
    numbers: list[NumberDifference]


def difference_answer(differences: Differences, node: Node, others: Node) -> DifferenceAnswer:
    """Return the answer for counted differences of the traces of two queries."""
    own = asked(node)
    more: list[Difference] = []
    less: list[Difference] = []
    same: list[str] = []
    left_out: set[str] = set()
    compared = [
        shape
        for name in NUMBERS
        if (shape := numbers.compare(name, differences.numbers.get(name, {}))) is not None
    ]
    for number, (totals, counts) in enumerate(differences.counts):
        left_out |= {_field(count) for count in counts} & own
        kept = [count for count in counts if _field(count) not in own]
        if number == 0:
            kept += _limits(compared, own)
        ranked = ranking.rank(kept, totals)
        more += [_difference(each, totals, differences) for each in ranked.more]
        less += [_difference(each, totals, differences) for each in ranked.less]
        same += ranked.same
    return DifferenceAnswer(
        query=to_text(node),
        others_query=to_text(others),
        selected=differences.selected.total,
        others=differences.others.total,
        estimated=differences.estimated,
        more=sorted(more, key=_surest),
        less=sorted(less, key=_surest),
        same=sorted(set(same)),
        left_out=sorted(left_out),
        numbers=[_numbers(shape) for shape in compared],
    )


def _surest(difference: Difference) -> float:
    return -difference.surety


def _field(count: Counted) -> str:
    attribute = count.attribute
    return f"metadata.{attribute.value}" if attribute.field == "key" else attribute.group


def _limits(compared: Iterable[Numbers], own: set[str]) -> list[Counted]:
    """Return each number's best limit as an attribute: ``>`` and ``<`` begin its value."""
    return [
        Counted(_beyond(shape, limit), limit.selected, limit.others)
        for shape in compared
        if (limit := shape.limit) is not None and shape.field not in own
    ]


def _beyond(shape: Numbers, limit: Limit) -> Attribute:
    return Attribute(shape.field, f"{limit.operator}{limit.value}")


def _term(attribute: Attribute) -> str:
    value = attribute.value
    if attribute.field in NUMBERS and value is not None:
        return to_text(beyond(attribute.field, "<" if value[0] == "<" else ">", float(value[1:])))
    return to_text(asking_for(attribute.field, value))


def _value(each: ranking.Difference, totals: Totals, differences: Differences) -> dict[str, Any]:
    sides = differences.selected, differences.others
    counted = totals.selected, totals.others
    return {
        "field": each.attribute.field,
        "value": each.attribute.value,
        "term": _term(each.attribute),
        "selected": round(each.selected_share * sides[0].total),
        "others": round(each.others_share * sides[1].total),
        "selected_share": round(each.selected_share, 6),
        "others_share": round(each.others_share, 6),
        "times": None if each.times is None else round(each.times, 4),
        "estimated": any(side.total > n for side, n in zip(sides, counted, strict=True)),
    }


def _difference(each: ranking.Difference, totals: Totals, differences: Differences) -> Difference:
    kin = [DifferingValue(**_value(other, totals, differences)) for other in each.kin]
    return Difference(
        **_value(each, totals, differences),
        surety=round(each.surety, 2),
        kin=kin,
        alike=[_term(attribute) for attribute in each.alike],
    )


def _numbers(shape: Numbers) -> NumberDifference:
    return NumberDifference(
        field=shape.field,
        selected_median=shape.selected_median,
        others_median=shape.others_median,
        term=_term(_beyond(shape, shape.limit)) if shape.limit else None,
        bars=[
            NumberBar(low=bar.low, high=bar.high, selected=bar.selected, others=bar.others)
            for bar in shape.bars
        ],
    )
