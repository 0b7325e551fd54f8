"""Percentiles of merged histograms are within 2 % of the exact ones."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.measure.histogram import LogHistogram, bounds_of, key_of, value_of
from tracer.measure.standing import high_from, standing

AMOUNTS = st.floats(1e-11, 1e11)
NUMBERS = st.one_of(st.just(0.0), AMOUNTS, AMOUNTS.map(lambda x: -x), st.integers(-50, 50))


def exact(values: list[float], percent: float) -> float:
    """Return the least value that so many percent of the values do not exceed."""
    return sorted(values)[max(1, math.ceil(percent / 100 * len(values))) - 1]


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.integers(0, 60), st.floats(0.1, 99.9))
def test_a_percentile_of_merged_halves_is_within_two_percent(
    values: list[float], cut: int, percent: float
) -> None:
    halves = []
    for half in (values[:cut], values[cut:]):
        histogram = LogHistogram()
        for value in half:
            histogram.add(value)
        halves.append(histogram)
    halves[0].merge(halves[1])
    wanted = exact(values, percent)
    assert halves[0].percentile(percent) == pytest.approx(wanted, rel=0.02)
    assert halves[0].total == len(values)


@given(NUMBERS)
def test_a_number_lies_between_the_bounds_of_its_key(value: float) -> None:
    low, high = bounds_of(key_of(value))
    assert low * (1 - 1e-12) <= value <= high * (1 + 1e-12) or value < 0
    assert value_of(key_of(value)) == pytest.approx(value, rel=0.02)


@given(NUMBERS, NUMBERS)
def test_keys_are_in_the_order_of_their_numbers(first: float, second: float) -> None:
    if first < second:
        assert key_of(first) <= key_of(second)


@pytest.mark.parametrize("percent", [50, 75, 90, 95, 99, 99.9])
def test_percentiles_of_latencies_as_they_occur(percent: float) -> None:
    rng = random.Random(7)
    values = [rng.lognormvariate(0.5, 1.2) for _ in range(9_000)]
    values += [30 + rng.random() / 10 for _ in range(700)]
    histogram = LogHistogram()
    for value in values:
        histogram.add(value)
    assert histogram.percentile(percent) == pytest.approx(exact(values, percent), rel=0.02)


def test_what_is_not_counted_any_more_leaves_nothing() -> None:
    histogram = LogHistogram({key_of(3): 1})
    histogram.add(3, -1)
    assert histogram.percentile(50) is None
    assert histogram.rank_of(3) is None


def test_the_rank_of_a_value_is_the_share_below_it() -> None:
    histogram = LogHistogram()
    for value in range(1, 101):
        histogram.add(value)
    assert histogram.rank_of(1000) == 100
    assert histogram.rank_of(0.1) == 0
    assert histogram.rank_of(50) == pytest.approx(50, abs=2)


@given(st.lists(NUMBERS, min_size=15, max_size=60))
def test_a_value_is_high_from_the_same_key_on_as_its_rank_is(values: list[float]) -> None:
    histogram = LogHistogram()
    for value in values:
        histogram.add(value)
    least = high_from(histogram)
    for value in values:
        for key in (key_of(value) - 1, key_of(value), key_of(value) + 1):
            ranked = standing(value_of(key), histogram)
            assert (least is not None and key >= least) == (ranked is not None and ranked.high)
