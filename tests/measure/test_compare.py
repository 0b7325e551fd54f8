"""Confidence intervals hold the true value as often as they claim."""

from __future__ import annotations

import random

import pytest

from tracer.measure.compare import difference, mean, ratio, share


def test_intervals_of_means_hold_the_true_mean_in_about_95_percent_of_samples() -> None:
    rng, inside = random.Random(3), 0
    for _ in range(400):
        values = [rng.gauss(5, 2) for _ in range(40)]
        estimate = mean(40, sum(values), sum(value * value for value in values))
        assert estimate is not None
        inside += estimate.low <= 5 <= estimate.high
    assert 0.91 <= inside / 400 <= 0.98


def test_intervals_of_shares_hold_the_true_share_also_for_rare_events() -> None:
    rng, inside = random.Random(4), 0
    for _ in range(400):
        estimate = share(sum(rng.random() < 0.03 for _ in range(100)), 100)
        assert estimate is not None
        inside += estimate.low <= 0.03 <= estimate.high
    assert inside / 400 >= 0.9


def test_a_share_has_an_interval_within_zero_and_one() -> None:
    none, every = share(0, 20), share(20, 20)
    assert none is not None
    assert every is not None
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(0.161, abs=0.001)
    assert (every.value, every.high) == (1, 1)


def test_intervals_of_ratios_hold_the_true_ratio_in_about_95_percent_of_samples() -> None:
    rng, inside = random.Random(6), 0
    for _ in range(400):
        rows = [(rng.uniform(0, 0.6) * whole, whole) for whole in rng.choices(range(1, 99), k=60)]
        parts, wholes = zip(*rows, strict=True)
        squares = (
            sum(a * b for a, b in zip(left, right, strict=True))
            for left, right in ((parts, parts), (parts, wholes), (wholes, wholes))
        )
        estimate = ratio(60, sum(parts), sum(wholes), *squares)
        assert estimate is not None
        inside += estimate.low <= 0.3 <= estimate.high
    assert 0.9 <= inside / 400 <= 0.98


def test_equal_samples_rarely_differ_beyond_noise_and_different_ones_do() -> None:
    rng = random.Random(5)

    def certain(level: float) -> bool:
        samples = ([rng.gauss(center, 1) for _ in range(50)] for center in (0, level))
        means = [mean(50, sum(values), sum(each * each for each in values)) for values in samples]
        differs = difference(*means)
        assert differs is not None
        return bool(differs.certain)

    assert sum(certain(0) for _ in range(400)) < 40
    assert all(certain(2) for _ in range(50))


def test_nothing_is_concluded_of_few_values() -> None:
    few = difference(share(1, 9), share(500, 1000))
    assert few is not None
    assert few.certain is None


def test_a_difference_within_noise_is_not_certain() -> None:
    same = difference(share(10, 100), share(12, 100))
    other = difference(share(10, 100), share(60, 100))
    assert same is not None
    assert other is not None
    assert (same.certain, other.certain) == (False, True)
    assert other.absolute == pytest.approx(0.5)
    assert other.relative == pytest.approx(5)


def test_nothing_is_compared_with_nothing() -> None:
    assert mean(0, 0, 0) is None
    assert share(0, 0) is None
    assert ratio(3, 0, 0, 0, 0, 0) is None
    assert difference(None, share(1, 2)) is None
    single = mean(1, 3.0, 9.0)
    assert single is not None
    certain = difference(single, mean(2, 20, 200))
    assert certain is not None
    assert not certain.certain
