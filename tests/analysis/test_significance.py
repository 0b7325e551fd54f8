"""Intervals of shares, means and percentiles, and whether two figures differ beyond noise."""

from __future__ import annotations

import random

import pytest

from tracer.analysis.significance import beyond_noise, mean, ranks, share


def test_a_share_has_an_interval_within_zero_and_one() -> None:
    none, all_, some = share(0, 20), share(20, 20), share(5, 100)
    assert none is not None
    assert all_ is not None
    assert some is not None
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(0.161, abs=0.001)
    assert (all_.value, all_.high) == (1, 1)
    assert (some.low, some.high) == pytest.approx((0.0215, 0.1118), abs=0.001)
    assert share(0, 0) is None


def test_a_mean_has_an_interval_of_its_spread() -> None:
    one = mean([(1.0, 50), (3.0, 50)])
    assert one is not None
    assert (one.value, one.count) == (2, 100)
    assert one.high - one.value == pytest.approx(0.197, abs=0.001)
    known = mean([(1.0, 50), (3.0, 50)], 2.1, 400)
    assert known is not None
    assert (known.value, known.count) == (2.1, 400)
    assert known.high - known.value == pytest.approx(0.0985, abs=0.001)
    assert mean([]) is None


def test_the_interval_of_a_percentile_narrows_with_the_number_of_values() -> None:
    assert ranks(50, 100) == pytest.approx((40.2, 59.8))
    low, high = ranks(95, 10_000)
    assert (low, high) == pytest.approx((94.57, 95.43), abs=0.01)
    assert ranks(95, 10)[1] == 99.9


def test_equal_figures_rarely_differ_beyond_noise_and_different_ones_do() -> None:
    rng = random.Random(5)

    def drawn(level: float) -> bool | None:
        one, other = ([(rng.gauss(center, 1), 1) for _ in range(50)] for center in (0, level))
        first, second = mean(one), mean(other)
        assert first is not None
        assert second is not None
        return beyond_noise(first, second)

    assert sum(map(bool, (drawn(0) for _ in range(400)))) < 40
    assert all(drawn(2) for _ in range(50))


def test_nothing_is_concluded_of_few_values() -> None:
    few, many = share(1, 9), share(500, 1000)
    assert few is not None
    assert many is not None
    assert beyond_noise(few, many) is None
