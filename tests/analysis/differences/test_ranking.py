"""Ranks of attributes and comparisons of numbers, from counts alone."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.differences.numbers import STEP, compare
from tracer.analysis.differences.ranking import Attribute, Counted, Totals, rank, significance


def test_a_field_is_ranked_by_its_most_significant_value_and_the_others_are_its_kin() -> None:
    counted = [
        Counted(Attribute("carrier", "nordpost"), 11, 42),
        Counted(Attribute("carrier", "parcelia"), 4, 318),
        Counted(Attribute("release", "new"), 33, 2381),
        Counted(Attribute("cache", "hit"), 9, 2550),
        Counted(Attribute("region", "eu"), 19, 2090),
    ]
    ranking = rank(counted, Totals(38, 4180))
    assert [row.attribute.value for row in ranking.more] == ["nordpost", "new"]
    assert [row.attribute.value for row in ranking.more[0].kin] == ["parcelia"]
    assert round(ranking.more[0].times or 0) == 29
    assert [row.attribute.field for row in ranking.less] == ["cache"]
    assert ranking.same == ["region"]


def test_attributes_with_equal_counts_are_one_row() -> None:
    counted = [Counted(Attribute(name, "x"), 30, 10) for name in ("plan", "tenant")]
    (row,) = rank(counted, Totals(30, 1000)).more
    assert row.alike == (Attribute("tenant", "x"),)


@given(st.integers(0, 50), st.integers(0, 50))
def test_significance_is_zero_for_equal_shares_and_never_negative(a: int, b: int) -> None:
    assert math.isclose(significance(a, a * 3, Totals(50, 150)), 0, abs_tol=1e-9)
    assert significance(a, b, Totals(50, 50)) >= -1e-9


@given(st.dictionaries(st.integers(-20, 60), st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_bars_hold_every_number_once(counts: dict[int, tuple[int, int]]) -> None:
    numbers = compare("latency", counts)
    totals = [sum(pair[side] for pair in counts.values()) for side in (0, 1)]
    assert (numbers is None) == (not all(totals))
    if numbers is not None:
        assert sum(bar.selected for bar in numbers.bars) == totals[0]
        assert sum(bar.others for bar in numbers.bars) == totals[1]
        assert len(numbers.bars) <= 22


def test_the_limit_separates_the_two_sides() -> None:
    slow = round(math.log(30) / math.log(STEP))
    numbers = compare("latency", {0: (0, 90), 3: (2, 10), slow: (20, 1)})
    assert numbers is not None
    assert numbers.limit is not None
    assert (numbers.limit.operator, numbers.limit.selected, numbers.limit.others) == (">", 20, 1)
    assert 1.5 < numbers.limit.value < 30
    assert numbers.selected_median > 20
    assert numbers.others_median < 2
