"""Model name and usage to dollars, from the prices that the genai-prices package carries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from genai_prices.types import (
        ModelInfo,
        ModelPrice,
        StartDateConstraint,
        TieredPrices,
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
"""Provider names that traces use, by genai-prices' name where it differs."""

LOCAL: Final = frozenset(("ollama", "lmstudio", "lm_studio", "llama_cpp", "llamafile", "vllm"))
"""Who runs models on one's own machine is paid by nobody's price list."""

# The keys to look for, best first: what has no price of its own is billed like its whole.
_PRICE_KEYS: Final = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "cache_write_5m_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "input_audio": ("input_audio_mtok", "input_mtok"),
    "input_image": ("input_image_mtok", "input_mtok"),
    "input_video": ("input_video_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "output_audio": ("output_audio_mtok", "output_mtok"),
}
_INPUT_SIDE: Final = frozenset(name for name in _PRICE_KEYS if name.startswith(("input", "cache")))

_MILLION: Final = Decimal(1_000_000)
_TRILLIONTH: Final = Decimal("1e-12")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Rates = dict[str, "Decimal | TieredPrices"]

# Whose models may be called by name alone: the list's own guess knows only a name's beginning.
_MAKERS: Final = ("openai", "anthropic", "google", "mistral", "cohere", "voyageai", "x-ai", "aws")


def price(
    model: str | None, provider: str | None, usage: dict[str, int], at_micros: int
) -> dict[str, Decimal] | None:
    """Return the dollars of ``usage`` by type, or None where the model's price isn't known.

    ``usage`` holds disjoint buckets; one without a price is left out. Prices that depend on the
    size of the request are chosen by all tokens of its input side.
    """
    rates = _rates_of(model, provider, at_micros)
    if rates is None:
        return None
    size = sum(count for bucket, count in usage.items() if bucket in _INPUT_SIDE)
    cost = {
        bucket: (_rate(rates[bucket], size) * count / _MILLION).quantize(_TRILLIONTH)
        for bucket, count in usage.items()
        if bucket in rates
    }
    return cost or None


def unit_prices(model: str | None, provider: str | None, at_micros: int) -> dict[str, Decimal]:
    """Return dollars per million tokens by usage type, for a small request; {}: unknown model."""
    rates = _rates_of(model, provider, at_micros) or {}
    return {bucket: _rate(rate, 0) for bucket, rate in rates.items()}


def _rate(rate: Decimal | TieredPrices, size: int) -> Decimal:
    if isinstance(rate, Decimal):
        return rate
    return next((tier.price for tier in reversed(rate.tiers) if size > tier.start), rate.base)


def _rates_of(model: str | None, provider: str | None, at_micros: int) -> _Rates | None:
    if not model:
        return None
    schedule = _schedule(model.strip().lower(), (provider or "").strip().lower())
    if len(schedule) < 2:
        return schedule[0][1] if schedule else None
    at = _EPOCH + timedelta(microseconds=at_micros)
    for constraint, rates in schedule:
        if constraint is None or constraint.active(at):
            return rates
    return schedule[-1][1]


@lru_cache(maxsize=10_000)
def _schedule(model: str, provider: str) -> list[tuple[_Constraint | None, _Rates]]:
    """Return the model's rates and when each holds, the firmest first; empty: unknown model."""
    info = None if provider in LOCAL else _find(model, provider)
    if info is None:
        return []
    if not isinstance(info.prices, list):
        return [(None, _rates(info.prices))]
    return [(item.constraint, _rates(item.prices)) for item in reversed(info.prices)]


def _rates(prices: ModelPrice) -> _Rates:
    rates: _Rates = {}
    for bucket, keys in _PRICE_KEYS.items():
        for key in keys:
            if (rate := getattr(prices, key)) is not None:
                rates[bucket] = rate
                break
    return rates


def _find(model: str, provider: str) -> ModelInfo | None:
    # The price list takes a tenth of a second to load: not before something needs a price.
    from genai_prices.data_snapshot import get_snapshot

    for provider_id, name in _guesses(model, provider):
        try:
            return get_snapshot().find_provider_model(name, None, provider_id, None)[1]
        except LookupError:
            continue
    return None


def _guesses(model: str, provider: str) -> Iterator[tuple[str | None, str]]:
    """Yield (provider, model) to look up: as said, then by the model's name alone."""
    # Some frameworks add an API's name to the provider: "openai.responses", "anthropic.messages".
    for said in dict.fromkeys((provider, provider.partition(".")[0])):
        if said:
            yield PROVIDERS.get(said, said), model
    yield None, model
    maker, _, name = model.rpartition("/")
    if maker:
        maker = maker.rpartition("/")[2]
        yield PROVIDERS.get(maker, maker), name
        yield None, name
    for maker in _MAKERS:
        yield maker, model
