"""The cost of a call by rates in tiers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.pricing.rates import PRICE_FALLBACKS, Rates, Tier

MILLION = 1_000_000


def rates(*tiers: Tier, **base: str) -> Rates:
    return Rates(base=prices(**base), tiers=list(tiers))


def prices(**by_type: str) -> dict[str, Decimal]:
    return {name: Decimal(price) for name, price in by_type.items()}


def flex(name: str) -> str | None:
    return {"service_tier": "Flex"}.get(name)


def test_a_type_without_a_price_is_billed_like_the_type_that_contains_it() -> None:
    usage = {"input": MILLION, "cache_read": MILLION, "reasoning": MILLION, "output": MILLION}
    assert rates(input="2", output="8").cost(usage) == prices(
        input="2", cache_read="2", reasoning="8", output="8"
    )
    assert rates(input="2", output="8", cache_read="0.2").cost(usage) == prices(
        input="2", cache_read="0.2", reasoning="8", output="8"
    )


def test_types_without_any_price_are_left_out_or_leave_the_call_unpriced() -> None:
    assert rates(input="2").cost({"input": MILLION, "output": 5}) == prices(input="2")
    assert rates(input="2").cost({"output": 5}) is None
    assert rates(images="40000").cost({"images": 3}) == prices(images="0.12")


def test_zero_is_a_price() -> None:
    assert rates(input="0").cost({"input": 12}) == prices(input="0")


def test_a_tier_applies_above_its_size_and_to_the_whole_call() -> None:
    tiered = rates(Tier(above=200_000, prices=prices(input="4")), input="2", output="8")
    at_limit = tiered.cost({"input": 150_000, "cache_read": 50_000, "output": MILLION})
    above = tiered.cost({"input": 150_000, "cache_read": 50_001, "output": MILLION})
    assert at_limit
    assert at_limit["input"] == Decimal("0.3")
    assert above
    assert above["input"] == Decimal("0.6")
    assert above["cache_read"] == Decimal("0.200004")
    assert above["output"] == at_limit["output"] == 8


def test_a_tier_applies_to_calls_with_its_parameters_in_any_case() -> None:
    tiered = rates(Tier(parameters={"service_tier": "flex"}, prices=prices(input="1")), input="2")
    assert tiered.cost({"input": MILLION}, flex) == prices(input="1")
    assert tiered.cost({"input": MILLION}) == prices(input="2")


def test_of_several_tiers_the_one_with_more_conditions_wins() -> None:
    large = Tier(above=100, prices=prices(input="4", output="16"))
    larger = Tier(above=1_000, prices=prices(input="6"))
    cheap = Tier(parameters={"service_tier": "flex"}, prices=prices(input="1"))
    both = Tier(above=1_000, parameters={"service_tier": "flex"}, prices=prices(input="3"))
    tiered = rates(both, cheap, larger, large, input="2", output="8")
    assert tiered.prices(50) == prices(input="2", output="8")
    assert tiered.prices(500) == prices(input="4", output="16")
    assert tiered.prices(5_000) == prices(input="6", output="16")
    assert tiered.prices(500, flex) == prices(input="1", output="16")
    assert tiered.prices(5_000, flex) == prices(input="3", output="16")


@pytest.mark.parametrize(
    ("price", "field"),
    [("-1", "rates.base.input"), ("NaN", "rates.base.input"), ("1000001", "rates.base.input")],
)
def test_an_invalid_price_is_refused_with_its_field(price: str, field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}: expected dollars"):
        rates(input=price)


def test_a_tier_without_a_condition_and_a_base_without_a_price_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^rates.tiers\[0\]: expected a condition"):
        rates(Tier(prices=prices(input="1")), input="2")
    with pytest.raises(ValueError, match=r"^rates.base: expected 1 to"):
        rates()
    with pytest.raises(ValueError, match=r"^rates.base: expected 1 to 200 characters"):
        rates(**{"in\x00put": "1"})


@given(
    st.decimals(0, 1_000_000, places=6),
    st.integers(0, 10**18),
    st.sampled_from(sorted(PRICE_FALLBACKS)),
)
def test_a_cost_is_exact_to_the_last_digit(price: Decimal, count: int, usage_type: str) -> None:
    whole = PRICE_FALLBACKS[usage_type][-1]
    cost = Rates(base={whole: price}).cost({usage_type: count})
    assert cost
    assert Fraction(cost[usage_type]) == Fraction(price) * count / MILLION


def test_types_are_named_in_their_usual_order() -> None:
    tier = Tier(above=5, prices=prices(reasoning="1", zebra="2"))
    named = rates(tier, output="1", apples="3", cache_read="1", input="1")
    assert named.types == ["input", "cache_read", "output", "reasoning", "apples", "zebra"]
