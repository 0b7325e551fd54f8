"""Which price of a project applies to a call."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.pricing import list_prices
from tracer.pricing.price_book import Price, PriceBook, PriceDraft, matches
from tracer.pricing.rates import Rates, Tier
from tracer.records import SpanRecord

TIME = 1_767_225_600_000_000
MILLION = 1_000_000


def own(model: str, dollars: str = "1", **fields: Any) -> Price:
    rates = Rates(base={"input": Decimal(dollars)}, tiers=fields.pop("tiers", []))
    return Price(
        price_id=fields.pop("price_id", f"{model} {fields}"), model=model, rates=rates, **fields
    )


def call(model: str | None, **fields: Any) -> SpanRecord:
    fields = {"usage": {"input": MILLION}, "start_time": TIME} | fields
    return SpanRecord(trace_id="t", span_id="s", model=model, **fields)


def test_without_prices_of_its_own_a_project_uses_the_list() -> None:
    price = PriceBook().price(call("gpt-4o", provider="openai"))
    assert price
    assert price.source == "computed"
    assert price.priced_by == f"genai-prices {list_prices.PRICES_VERSION}"
    assert price.cost == list_prices.price("gpt-4o", "openai", {"input": MILLION}, TIME)


def test_a_price_of_the_project_comes_before_the_list() -> None:
    price = PriceBook([own("gpt-4o", "7", price_id="p1")]).price(call("gpt-4o"))
    assert price == ({"input": Decimal(7)}, "custom", "p1")


def test_a_price_of_zero_is_a_price_and_an_unknown_model_has_none() -> None:
    book = PriceBook([own("house-model", "0")])
    price = book.price(call("house-model"))
    assert price
    assert price.cost == {"input": Decimal(0)}
    assert book.price(call("unheard-of-model")) is None
    assert book.price(call(None)) is None
    assert book.price(call("house-model", usage={})) is None


@pytest.mark.parametrize("kind", ["embedding", "reranker"])
def test_a_total_alone_is_the_input_of_a_call_that_has_no_output(kind: str) -> None:
    usage = {"total": MILLION}
    listed = PriceBook().price(call("text-embedding-3-small", usage=usage, kind=kind))
    assert listed
    assert listed.cost == {"input": Decimal("0.02")}
    price = PriceBook([own("house-model", "7")]).price(call("house-model", usage=usage, kind=kind))
    assert price
    assert price.cost == {"input": Decimal(7)}
    assert PriceBook().price(call("gpt-4o", usage=usage, kind="generation")) is None


def test_a_price_without_the_types_that_were_used_leaves_the_call_unpriced() -> None:
    assert PriceBook([own("gpt-4o")]).price(call("gpt-4o", usage={"output": 3})) is None


def test_the_requested_model_is_used_where_no_price_fits_the_serving_one() -> None:
    book = PriceBook([own("our-deployment", "7"), own("gpt-4o-2024-*", "3")])
    deployment = call("gpt-4o-mini", requested_model="our-deployment")
    known_model = call("gpt-4o-2024-08-06", requested_model="our-deployment")
    assert [
        price.cost["input"] for span in (deployment, known_model) if (price := book.price(span))
    ] == [
        7,
        3,
    ]


LADDER = [
    own("*"),
    own("*", provider="azure"),
    own("gpt-*"),
    own("gpt-*", provider="azure"),
    own("gpt-4*"),
    own("gpt-4o", start=5),
    own("gpt-4o", start=TIME),
    own("gpt-4o", provider="azure"),
    own("gpt-4o", provider="azure", start=5),
    own("gpt-4o", provider="azure", start=TIME - 1),
]
"""Each fits the same call more closely than the prices before it."""


@given(st.randoms(use_true_random=False), st.integers(1, len(LADDER)))
def test_the_closest_fit_wins_whatever_the_order(dice: random.Random, size: int) -> None:
    chosen = dice.sample(range(len(LADDER)), size)
    book = PriceBook([LADDER[index] for index in chosen])
    price = book.find("GPT-4o", None, "azure.ai.openai", TIME)
    assert price is LADDER[max(chosen)]


def test_a_price_is_valid_from_its_start() -> None:
    book = PriceBook([own("m", "1"), own("m", "2", start=TIME)])
    prices = [book.find("m", None, None, time) for time in (TIME - 1, TIME)]
    assert [price and price.rates.base["input"] for price in prices] == [1, 2]
    assert PriceBook([own("m", start=TIME)]).find("m", None, None, TIME - 1) is None


@pytest.mark.parametrize(
    ("provider", "fits"),
    [
        ("azure", True),
        ("Azure.AI.OpenAI", True),
        ("azure_openai", True),
        ("openai", False),
        (None, False),
    ],
)
def test_a_provider_matches_under_all_its_names(provider: str | None, fits: bool) -> None:
    book = PriceBook([own("m", provider="Azure")])
    assert (book.find("m", None, provider, TIME) is not None) is fits


@pytest.mark.parametrize(
    "fields",
    [
        {"model_parameters": {"service_tier": "flex"}},
        {
            "model_parameters": {"service_tier": "auto"},
            "attributes": {"openai.response.service_tier": "flex"},
        },
        {"attributes": {"gen_ai.openai.request.service_tier": "flex"}},
        {
            "model_parameters": {"service_tier": "auto"},
            "notes": {"usage": {"service_tier": "flex"}},
        },
    ],
)
def test_the_service_tier_is_found_where_instrumentations_put_it(fields: dict[str, Any]) -> None:
    cheap = Tier(parameters={"service_tier": "flex"}, prices={"input": Decimal("0.5")})
    price = PriceBook([own("m", tiers=[cheap])]).price(call("m", **fields))
    assert price
    assert price.cost["input"] == Decimal("0.5")


def test_any_parameter_or_attribute_can_be_a_condition() -> None:
    tiers = [
        Tier(parameters={"batch": "true"}, prices={"input": Decimal("0.5")}),
        Tier(parameters={"acme.region": "eu"}, prices={"input": Decimal("1.1")}),
    ]
    book = PriceBook([own("m", tiers=tiers)])
    batch = book.price(call("m", model_parameters={"batch": True}))
    europe = book.price(call("m", attributes={"acme.region": "EU"}))
    assert batch
    assert batch.cost["input"] == Decimal("0.5")
    assert europe
    assert europe.cost["input"] == Decimal("1.1")


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_star_stands_for_any_text(pattern: str, name: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    assert matches(pattern, name) is expected


def test_a_pattern_of_many_stars_is_matched_in_linear_time() -> None:
    assert not matches("*a" * 90 + "*b", "a" * 2_000)


def test_an_invalid_draft_names_its_field() -> None:
    rates = Rates(base={"input": Decimal(1)})
    for field, wrong in {
        "model": {"model": " m"},
        "provider": {"provider": ""},
        "note": {"note": "\x00"},
        "start_time": {"start_time": datetime(1960, 1, 1, tzinfo=UTC)},
    }.items():
        with pytest.raises(ValueError, match=f"^{field}: expected"):
            PriceDraft(**{"model": "m", "rates": rates} | wrong)  # type: ignore[arg-type]
