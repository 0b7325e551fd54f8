"""Numbers as pages write them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tracer.ui.render.format import (
    ago,
    count,
    dollars,
    duration,
    meter,
    money,
    number,
    short_number,
    stamp,
    whole,
)
from tracer.wording import plural

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.00042, "420 µs"),
        (0.41, "410 ms"),
        (0.9996, "1.00 s"),
        (9.8, "9.80 s"),
        (9.996, "10.0 s"),
        (94, "94.0 s"),
        (99.96, "100 s"),
        (129, "129 s"),
        (1920, "32 min"),
        (18720, "5.2 h"),
        (300_000, "3.5 d"),
        (-5, "0 ms"),
    ],
)
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (5584, "5,584"),
        (19_744, "19.7k"),
        (105_000, "105k"),
        (999_400, "999k"),
        (999_600, "1.00M"),
        (1_240_000, "1.24M"),
        (7 * 10**15, "7,000.0T"),
    ],
)
def test_counts_have_three_digits_beyond_ten_thousand(number: int, text: str) -> None:
    assert count(number) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        ("0", "$0"),
        ("0.00000076", "<$0.0001"),
        ("0.0097", "$0.0097"),
        ("0.00996", "$0.010"),
        ("0.0294", "$0.029"),
        ("0.177", "$0.177"),
        ("1.219", "$1.22"),
        ("12345.6", "$12,345.60"),
    ],
)
def test_money_shows_the_digits_that_matter(dollars: str, text: str) -> None:
    assert money(Decimal(dollars)) == text


def test_missing_numbers_are_blank() -> None:
    assert duration(None) == count(None) == whole(None) == money(None) == ago(None, NOON) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(6, "6 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (86400 * 3, "3 d"), (-9, "0 s")],
)
def test_recent_times_are_relative(seconds: int, text: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == text


def test_old_times_are_dates() -> None:
    assert ago(NOON - timedelta(days=60), NOON) == "2026-09-24"
    assert stamp(NOON) == "2026-11-23 12:00:00.000 UTC"


def test_a_noun_is_plural_unless_the_number_is_one() -> None:
    assert [plural(n, "error") for n in (0, 1, 2000)] == ["0 errors", "1 error", "2,000 errors"]


def test_the_meter_grows_with_the_logarithm_and_stays_within_its_box() -> None:
    sizes = [meter(timedelta(seconds=s)) for s in (0, 0.01, 0.4, 6, 100, 600, 90_000)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (3, 100)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("2.5", "$2.50"), ("3", "$3.00"), ("0.0750", "$0.075"), ("0", "$0"), ("1E+2", "$100.00")],
)
def test_a_price_shows_every_digit_and_cents_at_least(value: str, shown: str) -> None:
    assert dollars(Decimal(value)) == shown
    assert dollars(None) == ""


@pytest.mark.parametrize(
    ("value", "exact", "short"),
    [
        (1234567.0, "1234567", "1234567"),
        (0.0, "0", "0"),
        (-2.5, "-2.5", "-2.5"),
        (0.1234567890123, "0.1234567890123", "0.123"),
        (0.000012, "0.000012", "0.000012"),
        (1e15, "1000000000000000", "1000000000000000"),
        (1e300, "1e+300", "1e+300"),
        (float("inf"), "inf", "inf"),
    ],
)
def test_a_number_keeps_its_digits(value: float, exact: str, short: str) -> None:
    assert number(value) == exact
    assert float(exact) == value
    if math.isfinite(value):
        assert short_number(value) == short
