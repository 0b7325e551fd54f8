"""Finds the price of a model call: the project's most specific one, else the list's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Final, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from tracer import exact_json
from tracer.pricing import list_prices
from tracer.pricing.rates import MAX_CHARACTERS, Name, Rates, check_text
from tracer.records import Json, SpanRecord

MAX_NOTE_CHARACTERS: Final = 2_000
_UNSAFE: Final = re.compile("[\x00\ud800-\udfff]")
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)

GIVEN: Final = "given"
COMPUTED: Final = "computed"
CUSTOM: Final = "custom"

_INPUT_ONLY: Final = ("embedding", "reranker")
# The provider bills the tier that served the call, so it is read before the requested one.
_SERVED_TIER: Final = (
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "gen_ai.usage.service_tier",
)
_REQUESTED_TIER: Final = ("openai.request.service_tier", "gen_ai.openai.request.service_tier")


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A project's own price for the models whose name fits `model`."""

    price_id: str
    model: str
    """A name, or a pattern in which each * matches any text; case-insensitive."""
    provider: str | None = None
    start: int | None = None
    """Applies to spans that start at this time (µs) or later; None: to all."""
    rates: Rates
    created: int = 0

    @property
    def precedence(self) -> tuple[bool, int, bool, int, int, str]:
        """Sort key: of two prices that fit, the one with the greater key applies."""
        exact = "*" not in self.model
        literal = len(self.model.replace("*", ""))
        start = -1 if self.start is None else self.start
        return exact, literal, self.provider is not None, start, self.created, self.price_id


class PriceDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price to add. Raises ValueError "field: expected …" if it is invalid."""

    model: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_CHARACTERS,
            description="a model's name, or a pattern in which * stands for any text",
        ),
    ]
    rates: Rates
    provider: Annotated[Name | None, Meta(description="null: any")] = None
    start_time: Annotated[
        datetime | None,
        Meta(
            description="for spans that start then or later, ISO 8601; null: for all",
            extra_json_schema={"format": "date-time"},
        ),
    ] = None
    note: Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)] | None = None

    def __post_init__(self) -> None:
        check_text(self.model, "model", MAX_CHARACTERS)
        if self.provider is not None:
            check_text(self.provider, "provider", MAX_CHARACTERS)
        check_note(self.note)
        if self.start_time is not None:
            time = self.start_time
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
            if not _EARLIEST <= time < _LATEST:
                raise ValueError("start_time: expected a time between 1970 and 9998")
            msgspec.structs.force_setattr(self, "start_time", time)


def check_note(note: str | None) -> None:
    """Raise ValueError "note: …" if the database can't store it."""
    if note is not None and (len(note) > MAX_NOTE_CHARACTERS or _UNSAFE.search(note)):
        raise ValueError(f"note: expected up to {MAX_NOTE_CHARACTERS} characters, without NUL")


class Priced(NamedTuple):
    """A cost, its source (computed or custom), and the id of the list or price."""

    cost: dict[str, Decimal]
    source: str
    priced_by: str


class PriceBook:
    """The active prices of one project; without any, only the list applies."""

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self._prices = sorted(prices, key=lambda price: price.precedence, reverse=True)
        self._fitting = lru_cache(maxsize=10_000)(self._fit)

    def find(
        self, model: str | None, requested: str | None, provider: str | None, time: int
    ) -> Price | None:
        """Return the project's price for a call at `time` (µs); None: the list applies.

        The serving model is tried first, then the requested one.
        """
        if not self._prices:
            return None
        for name in dict.fromkeys((model, requested)):
            for price in self._fitting(name, provider) if name else ():
                if price.start is None or price.start <= time:
                    return price
        return None

    def price(self, record: SpanRecord) -> Priced | None:
        """Return the cost of the span's tokens; None: it has no tokens, or they have no price."""
        if not (record.usage and record.model):
            return None
        model, provider, time = record.model, record.provider, record.start_time
        own = self.find(model, record.requested_model, provider, time)
        if own is None:
            # For its free variant, a reseller may return the name of the maker's paid model.
            listed = (
                record.requested_model if list_prices.is_free(record.requested_model) else model
            )
            cost = list_prices.price(listed, provider, _billed(record), time)
            return None if cost is None else Priced(cost, COMPUTED, list_prices.LIST_NAME)
        usage = record.usage if "total" in own.rates.types else _billed(record)
        cost = own.rates.cost(usage, lambda name: call_parameter(record, name))
        return None if cost is None else Priced(cost, CUSTOM, own.price_id)

    def _fit(self, name: str, provider: str | None) -> list[Price]:
        """Return the prices that fit, by precedence."""
        name = name.strip().lower()
        names = list_prices.provider_names(provider)
        return [
            price
            for price in self._prices
            if matches(price.model.lower(), name)
            and (price.provider is None or price.provider.lower() in names)
        ]


def _billed(record: SpanRecord) -> dict[str, int]:
    """Return the tokens by the types that have prices.

    Many instrumentations send only the total of a call that has no output.
    """
    if record.kind in _INPUT_ONLY and record.usage.keys() == {"total"}:
        return {"input": record.usage["total"]}
    return record.usage


def matches(pattern: str, name: str) -> bool:
    """Return whether `name` matches `pattern`, in which each * matches any text."""
    # Not a regular expression: with many stars, its backtracking could take minutes.
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    if not name.startswith(first):
        return False
    *middle, last = rest
    offset = len(first)
    for literal in middle:
        index = name.find(literal, offset)
        if index < 0:
            return False
        offset = index + len(literal)
    return name.endswith(last) and len(name) - len(last) >= offset


class Call(Protocol):
    """The parameters of a call, in the fields of a span."""

    @property
    def model_parameters(self) -> dict[str, Json]: ...

    @property
    def attributes(self) -> dict[str, Json]: ...

    @property
    def notes(self) -> dict[str, Json]: ...


def call_parameter(record: Call, name: str) -> str | None:
    """Return a parameter of the call as text: from model parameters, else from attributes."""
    parameters, attributes = record.model_parameters, record.attributes
    name = name.removeprefix("model_parameters.")
    if name == "service_tier":
        # Some providers send the tier inside of the usage object.
        in_usage = record.notes.get("usage", {}).get(name)
        served = next((attributes[key] for key in _SERVED_TIER if key in attributes), in_usage)
        requested = next((attributes[key] for key in _REQUESTED_TIER if key in attributes), None)
        value = parameters.get(name) or requested if served is None else served
    else:
        value = parameters[name] if name in parameters else attributes.get(name)
    if value is None or isinstance(value, str):
        return value
    return exact_json.encode(value).decode()
