"""JSON of what differs between two selections of traces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tracer.analysis.differences import numbers, ranking
from tracer.analysis.differences.numbers import Limit, Numbers
from tracer.analysis.differences.ranking import Attribute, Counted, Totals
from tracer.query.derived.attributes import attribute_query, queried_fields, threshold_query
from tracer.query.printing import to_text
from tracer.query.tree import Node
from tracer.store.selections.differences import NUMBERS, Differences

Share = Annotated[float, Meta(description="share of the traces of this side, 0 to 1")]


class DifferingValue(msgspec.Struct, kw_only=True):
    """A value of a field, and how many traces of each side have it."""

    field: Annotated[str, Meta(description="a field of traces, or tool, failed, prompt, finish …")]
    value: Annotated[str | None, Meta(description="null: the field is absent")]
    term: Annotated[str, Meta(description="the query that selects the traces with this value")]
    selected: Annotated[int, Meta(description="selected traces with this value")]
    baseline: Annotated[int, Meta(description="traces of the baseline with this value")]
    selected_share: Share
    baseline_share: Share
    ratio: Annotated[
        float | None,
        Meta(description="selected_share / baseline_share; null: no baseline trace has it"),
    ]
    estimated: Annotated[bool, Meta(description="the counts were estimated from samples")]


class Difference(DifferingValue, kw_only=True):
    """A field, by the value whose frequency differs most significantly."""

    g_statistic: Annotated[
        float, Meta(description="G-test of the two counts; above 6.63: p < 0.01")
    ]
    other_values: Annotated[
        list[DifferingValue], Meta(description="the most frequent other values of the field")
    ]
    same_counts: Annotated[
        list[str], Meta(description="terms of other fields with the same two counts")
    ]


class NumberBar(msgspec.Struct, kw_only=True):
    """How many counted traces have a number from ``low`` to below ``high``."""

    low: float
    high: float
    selected: int
    baseline: int


class NumberDifference(msgspec.Struct, kw_only=True):
    """How a number is distributed on both sides: seconds, dollars, tokens or spans."""

    field: str
    selected_median: float
    baseline_median: float
    term: Annotated[str | None, Meta(description="the term that separates both sides best")]
    bars: list[NumberBar]


class DifferenceAnswer(msgspec.Struct, kw_only=True):
    """What differs between the traces of a query and a baseline; most significant fields first."""

    query: str
    baseline_query: Annotated[str, Meta(description="the traces that they are compared with")]
    selected: Annotated[int, Meta(description="traces that the query selects")]
    baseline: Annotated[int, Meta(description="traces that the baseline query selects")]
    estimated: Annotated[bool, Meta(description="the numbers of traces are estimates")]
    more_frequent: Annotated[
        list[Difference], Meta(description="values that are more frequent in the selected traces")
    ]
    less_frequent: Annotated[
        list[Difference], Meta(description="values that are less frequent in the selected traces")
    ]
    not_significant: Annotated[
        list[str], Meta(description="fields without a significant difference (p >= 0.01)")
    ]
    left_out: Annotated[
        list[str], Meta(description="fields of the query itself, which are not compared")
    ]
    numbers: list[NumberDifference]


def difference_answer(differences: Differences, selected: Node, baseline: Node) -> DifferenceAnswer:
    """Return the answer for the counted differences between the traces of two queries."""
    own = queried_fields(selected)
    more_frequent: list[Difference] = []
    less_frequent: list[Difference] = []
    not_significant: list[str] = []
    left_out: set[str] = set()
    compared = [
        distribution
        for name in NUMBERS
        if (distribution := numbers.compare(name, differences.numbers.get(name, {}))) is not None
    ]
    for index, (totals, counts) in enumerate(differences.counts):
        left_out |= {_field(count) for count in counts} & own
        kept = [count for count in counts if _field(count) not in own]
        if index == 0:
            kept += _thresholds(compared, own)
        ranked = ranking.rank(kept, totals)
        more_frequent += [_difference(each, totals, differences) for each in ranked.more]
        less_frequent += [_difference(each, totals, differences) for each in ranked.less]
        not_significant += ranked.same
    return DifferenceAnswer(
        query=to_text(selected),
        baseline_query=to_text(baseline),
        selected=differences.selected.total,
        baseline=differences.others.total,
        estimated=differences.estimated,
        more_frequent=sorted(more_frequent, key=_most_significant_first),
        less_frequent=sorted(less_frequent, key=_most_significant_first),
        not_significant=sorted(set(not_significant)),
        left_out=sorted(left_out),
        numbers=[_number_difference(each) for each in compared],
    )


def _most_significant_first(difference: Difference) -> float:
    return -difference.g_statistic


def _field(count: Counted) -> str:
    attribute = count.attribute
    return f"metadata.{attribute.value}" if attribute.field == "key" else attribute.group


def _thresholds(compared: Iterable[Numbers], own: set[str]) -> list[Counted]:
    """Return each number's best threshold as an attribute: its value begins with ``>`` or ``<``."""
    return [
        Counted(_attribute(each.field, threshold), threshold.selected, threshold.others)
        for each in compared
        if (threshold := each.limit) is not None and each.field not in own
    ]


def _attribute(field: str, threshold: Limit) -> Attribute:
    return Attribute(field, f"{threshold.operator}{threshold.value}")


def _term(attribute: Attribute) -> str:
    value = attribute.value
    if attribute.field in NUMBERS and value is not None:
        operator: Literal["<", ">"] = "<" if value[0] == "<" else ">"
        return to_text(threshold_query(attribute.field, operator, float(value[1:])))
    return to_text(attribute_query(attribute.field, value))


def _value(each: ranking.Difference, totals: Totals, differences: Differences) -> dict[str, Any]:
    sides = differences.selected, differences.others
    counted = totals.selected, totals.others
    return {
        "field": each.attribute.field,
        "value": each.attribute.value,
        "term": _term(each.attribute),
        "selected": round(each.selected_share * sides[0].total),
        "baseline": round(each.others_share * sides[1].total),
        "selected_share": round(each.selected_share, 6),
        "baseline_share": round(each.others_share, 6),
        "ratio": None if each.times is None else round(each.times, 4),
        "estimated": any(side.total > n for side, n in zip(sides, counted, strict=True)),
    }


def _difference(each: ranking.Difference, totals: Totals, differences: Differences) -> Difference:
    return Difference(
        **_value(each, totals, differences),
        g_statistic=round(each.significance, 2),
        other_values=[DifferingValue(**_value(other, totals, differences)) for other in each.kin],
        same_counts=[_term(attribute) for attribute in each.alike],
    )


def _number_difference(compared: Numbers) -> NumberDifference:
    threshold = compared.limit
    return NumberDifference(
        field=compared.field,
        selected_median=compared.selected_median,
        baseline_median=compared.others_median,
        term=_term(_attribute(compared.field, threshold)) if threshold else None,
        bars=[
            NumberBar(low=bar.low, high=bar.high, selected=bar.selected, baseline=bar.others)
            for bar in compared.bars
        ],
    )
