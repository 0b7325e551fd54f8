"""Cost of a model's usage by the price list of the genai-prices package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.pricing.rates import PRICE_FALLBACKS, Rates, Tier

if TYPE_CHECKING:
    from genai_prices.types import (
        ModelInfo,
        ModelPrice,
        StartDateConstraint,
        TimeOfDateConstraint,
    )

    _Constraint = StartDateConstraint | TimeOfDateConstraint

PRICES_VERSION: Final = version("genai-prices")

PROVIDERS: Final = {
    "aws.bedrock": "aws",
    "amazon_bedrock": "aws",
    "bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_openai": "azure",
    "gcp": "google",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "vertex_ai": "google",
    "vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
"""The provider names of genai-prices, by the differing names in traces."""

LOCAL: Final = frozenset(("ollama", "lmstudio", "lm_studio", "llama_cpp", "llamafile", "vllm"))
"""Programs that run models on one's own machines: the price list does not apply."""

LIST_NAME: Final = f"genai-prices {PRICES_VERSION}"
"""The name of the list in `priced_by`."""

# The list's names of prices that differ from the usage type.
_LIST_KEYS: Final = {"reasoning": "output_reasoning"}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ListPrice(NamedTuple):
    """An entry of the list: provider, model and prices."""

    provider: str
    model: str
    rates: Rates


_FREE_SUFFIX: Final = ":free"
"""Ends the name of a reseller's free variant, to which the maker's price does not apply."""
_RESELLER: Final = "openrouter"
_FREE_RATES: Final = Rates(base={"input": Decimal(0), "output": Decimal(0)})

_Schedule = list[tuple["_Constraint | None", ListPrice]]
"""A model's entries, each with the condition on the time of the call; None: at any time."""

# Makers to look a model without provider up at: the list itself compares prefixes only.
_MAKERS: Final = ("openai", "anthropic", "google", "mistral", "cohere", "voyageai", "x-ai", "aws")


def price(
    model: str | None, provider: str | None, usage: dict[str, int], at_micros: int
) -> dict[str, Decimal] | None:
    """Return the dollars of ``usage`` by type, or None where the model's price isn't known.

    The types of ``usage`` are disjoint; one without a price is left out. Prices that depend on
    the size of the request are chosen by all of its input-side tokens.
    """
    rates = list_rates(model, provider, at_micros)
    return None if rates is None else rates.cost(usage)


def is_free(model: str | None) -> bool:
    """Return whether a model's name is that of a reseller's free variant."""
    return model is not None and model.strip().lower().endswith(_FREE_SUFFIX)


def list_rates(model: str | None, provider: str | None, at_micros: int) -> Rates | None:
    """Return the list's prices of a model at a time; None: the list lacks the model."""
    entry = list_entry(model, provider, at_micros)
    return entry.rates if entry else None


def list_entry(model: str | None, provider: str | None, at_micros: int) -> ListPrice | None:
    """Return the list's entry for a model's name in a trace; None: there is none."""
    if not model:
        return None
    schedule = _schedule(model.strip().lower(), (provider or "").strip().lower())
    if len(schedule) < 2:
        return schedule[0][1] if schedule else None
    return _active_entry(schedule, _EPOCH + timedelta(microseconds=at_micros))


def search_list(text: str, at_micros: int, limit: int) -> list[ListPrice]:
    """Return up to ``limit`` entries of the list whose provider or model contains ``text``."""
    from genai_prices.data_snapshot import get_snapshot

    needle = text.strip().lower()
    time = _EPOCH + timedelta(microseconds=at_micros)
    entries: list[ListPrice] = []
    for provider in get_snapshot().providers:
        for info in provider.models:
            if needle in f"{provider.id}/{info.id}".lower():
                if len(entries) == limit:
                    return entries
                if schedule := _entries(provider.id, info):
                    entries.append(_active_entry(schedule, time))
    return entries


def list_size() -> int:
    """Return the number of models in the list."""
    from genai_prices.data_snapshot import get_snapshot

    return sum(len(provider.models) for provider in get_snapshot().providers)


def provider_names(provider: str | None) -> tuple[str, ...]:
    """Return possible names of a provider in lower case, the sent name first."""
    name = (provider or "").strip().lower()
    # Some frameworks add an API's name to the provider: "openai.responses", "anthropic.messages".
    first = name.partition(".")[0]
    names = (name, PROVIDERS.get(name, name), PROVIDERS.get(first, first))
    return tuple(dict.fromkeys(name for name in names if name))


def _active_entry(schedule: _Schedule, time: datetime) -> ListPrice:
    for constraint, entry in schedule:
        if constraint is None or constraint.active(time):
            return entry
    return schedule[-1][1]


@lru_cache(maxsize=10_000)
def _schedule(model: str, provider: str) -> _Schedule:
    """Return the model's entries and their conditions, in trial order; empty: it has none."""
    if model.endswith(_FREE_SUFFIX) and provider not in LOCAL:
        return [(None, ListPrice(_RESELLER, model, _FREE_RATES))]
    entry = None if provider in LOCAL else _find(model, provider)
    return _entries(*entry) if entry else []


def _entries(provider_id: str, info: ModelInfo) -> _Schedule:
    if not isinstance(info.prices, list):
        rates = _rates(info.prices)
        return [(None, ListPrice(provider_id, info.id, rates))] if rates else []
    return [
        (item.constraint, ListPrice(provider_id, info.id, rates))
        for item in reversed(info.prices)
        if (rates := _rates(item.prices))
    ]


def _rates(prices: ModelPrice) -> Rates | None:
    base: dict[str, Decimal] = {}
    tiers: dict[int, dict[str, Decimal]] = {}
    for usage_type in PRICE_FALLBACKS:
        price = getattr(prices, f"{_LIST_KEYS.get(usage_type, usage_type)}_mtok")
        if isinstance(price, Decimal):
            base[usage_type] = price
        elif price is not None:
            base[usage_type] = price.base
            for tier in price.tiers:
                tiers.setdefault(tier.start, {})[usage_type] = tier.price
    if not base:
        return None
    return Rates(
        base=base,
        tiers=[Tier(prices=tier_prices, above=start) for start, tier_prices in tiers.items()],
    )


def _find(model: str, provider: str) -> tuple[str, ModelInfo] | None:
    # The price list takes a tenth of a second to load, so it is loaded on first use.
    from genai_prices.data_snapshot import get_snapshot

    for provider_id, name in _guesses(model, provider):
        try:
            listed, info = get_snapshot().find_provider_model(name, None, provider_id, None)
            return listed.id, info
        except LookupError:
            continue
    return None


@lru_cache(maxsize=10_000)
def context_window(model: str | None, provider: str | None) -> int | None:
    """Return the size of a model's context window in tokens, by the list; None: not known."""
    if not model:
        return None
    listed = _find(model.strip().lower(), (provider or "").strip().lower())
    return listed[1].context_window if listed else None


def _guesses(model: str, provider: str) -> Iterator[tuple[str | None, str]]:
    """Yield (provider, model) to look up: as sent, then by the model's name alone."""
    for name in provider_names(provider):
        yield name, model
    yield None, model
    maker, _, name = model.rpartition("/")
    if maker:
        maker = maker.rpartition("/")[2]
        yield PROVIDERS.get(maker, maker), name
        yield None, name
    for maker in _MAKERS:
        yield maker, model
