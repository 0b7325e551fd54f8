"""Dollars by usage type, from the price list of genai-prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from hypothesis import given
from hypothesis import strategies as st

from tracer.pricing.list_prices import PRICES_VERSION, list_rates, price
from tracer.pricing.rates import PRICE_FALLBACKS, price_of

TIME = 1_767_225_600_000_000
MILLION = 1_000_000


def unit_prices(model: str, provider: str, time: int) -> dict[str, Decimal]:
    """Return dollars per million tokens by usage type, for a small request."""
    rates = list_rates(model, provider, time)
    assert rates is not None
    prices = rates.prices()
    found_prices = {usage_type: price_of(prices, usage_type) for usage_type in PRICE_FALLBACKS}
    return {
        usage_type: dollars for usage_type, dollars in found_prices.items() if dollars is not None
    }


def test_each_usage_type_is_billed_at_its_own_price() -> None:
    rates = unit_prices("gpt-4o", "openai", TIME)
    usage = {"input": MILLION, "cache_read": MILLION, "output": MILLION, "reasoning": MILLION}
    cost = price("gpt-4o", "openai", usage, TIME)
    assert cost == {usage_type: rates[usage_type] for usage_type in usage}
    assert rates["cache_read"] < rates["input"]
    assert rates["reasoning"] == rates["output"]


def test_an_unknown_model_is_unpriced_and_never_free() -> None:
    assert price("no-such-model-at-all", "openai", {"input": 1}, TIME) is None
    assert price(None, "openai", {"input": 1}, TIME) is None
    assert list_rates("no-such-model-at-all", None, TIME) is None


def test_usage_without_a_priced_type_is_unpriced() -> None:
    assert price("gpt-4o", "openai", {}, TIME) is None
    assert price("gpt-4o", "openai", {"total": 9}, TIME) is None
    assert price("gpt-4o", "openai", {"input": 1, "images": 2}, TIME) == {
        "input": Decimal("0.000002500000")
    }


def test_a_large_request_is_billed_by_the_tier_of_all_its_input() -> None:
    small = price("gemini-1.5-pro", "google", {"input": 1000}, TIME)
    large = price("gemini-1.5-pro", "google", {"input": 1000, "cache_read": 200_000}, TIME)
    assert small
    assert large
    assert large["input"] > small["input"]


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-2024-08-06", "azure.ai.openai"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "aws.bedrock"),
        ("gemini-1.5-pro", "gcp.vertex_ai"),
        ("gemini-1.5-pro", "gcp.gemini"),
        ("mistral-large-latest", "mistral_ai"),
        ("claude-sonnet-4-5", "anthropic.messages"),
        ("grok-4", "x_ai"),
        ("openai/gpt-4o", None),
        ("text-embedding-3-small", None),
        ("gpt-4o", "a-gateway-of-our-own"),
    ],
)
def test_names_of_models_and_providers_in_traces_find_their_prices(
    model: str, provider: str | None
) -> None:
    assert price(model, provider, {"input": 1000}, TIME)


def test_a_self_hosted_model_has_no_price() -> None:
    assert price("gpt-oss-20b", "openai", {"input": 1000}, TIME)
    assert price("gpt-oss-20b", "ollama", {"input": 1000}, TIME) is None


def test_a_price_that_depends_on_time_is_taken_at_the_time_of_the_call() -> None:
    before = unit_prices("openai/gpt-4o", "openrouter", TIME)
    later = unit_prices("openai/gpt-4o", "openrouter", TIME + 365 * 86_400 * MILLION)
    assert before["cache_read"] == before["input"]
    assert later["cache_read"] < later["input"]


@pytest.mark.parametrize("provider", ["openrouter", None, "a-gateway-of-our-own"])
@pytest.mark.parametrize("model", ["deepseek/deepseek-r1", "google/gemini-2.5-flash", "gpt-4o"])
def test_what_a_reseller_gives_away_is_not_at_its_makers_price(
    model: str, provider: str | None
) -> None:
    assert price(f"{model}:free", provider, {"input": 1000, "output": 9, "reasoning": 1}, TIME) == {
        "input": 0,
        "output": 0,
        "reasoning": 0,
    }
    assert price(f"{model}:free", "ollama", {"input": 1000}, TIME) is None


@pytest.mark.parametrize("usage_type", ["input_document", "input_tool_use", "cache_of_ours"])
def test_a_type_without_a_price_is_billed_like_plain_tokens_of_its_side(
    usage_type: str,
) -> None:
    rates = unit_prices("gpt-4o", "openai", TIME)
    cost = price(
        "gpt-4o", "openai", {usage_type: MILLION, "output_image": MILLION, "other": 5}, TIME
    )
    assert cost == {usage_type: rates["input"], "output_image": rates["output"]}


@given(
    st.sampled_from(["gpt-4o", "claude-sonnet-4-5", "gemini-1.5-pro", "gemini-2.0-flash"]),
    *(st.integers(0, 500_000) for _ in range(4)),
)
def test_the_sum_equals_that_of_genai_prices(
    model: str, uncached: int, cached: int, written: int, answered: int
) -> None:
    usage = {"input": uncached, "cache_read": cached, "cache_write": written, "output": answered}
    cost = price(model, None, usage, TIME)
    reference = calc_price(
        Usage(
            input_tokens=uncached + cached + written,
            cache_read_tokens=cached,
            cache_write_tokens=written,
            output_tokens=answered,
        ),
        model,
    )
    assert cost is not None
    assert abs(sum(cost.values()) - reference.total_price) < Decimal("1e-9")


def test_the_version_of_the_price_list_is_known() -> None:
    assert PRICES_VERSION.split(".")[0].isdigit()
