"""Answers about prices."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tracer.pricing.rates import Rates
from tracer.store.projects.prices import PriceRow
from tracer.times import json_time, json_time_or_none
from tracer.web.answers.traces import Time


class Price(msgspec.Struct, kw_only=True):
    """A price of the project."""

    id: str
    model: str
    provider: str | None
    start_time: Time | None
    rates: Rates
    note: str | None
    created_at: Time
    retired_at: Annotated[Time | None, Meta(description="null: it is in use")]


class PriceList(msgspec.Struct, kw_only=True):
    """The project's prices, those in use first, and the built-in list that applies after them."""

    data: list[Price]
    list_prices: Annotated[str, Meta(description="the built-in list and its version")]


class ListEntry(msgspec.Struct, kw_only=True):
    """The provider and model of a price of the built-in list."""

    provider: str
    model: str
    version: str


class PriceMatch(msgspec.Struct, kw_only=True):
    """The price that applies to a call."""

    cost_source: Annotated[
        Literal["computed", "custom"] | None, Meta(description="null: it would be unpriced")
    ]
    price: Annotated[Price | None, Meta(description="the project's own, where one fits")]
    list_price: Annotated[ListEntry | None, Meta(description="the list's, where none does")]
    rates: Rates | None


def price(row: PriceRow) -> Price:
    """Return the answer for a price."""
    return Price(
        id=row.price_id,
        model=row.model,
        provider=row.provider,
        start_time=json_time_or_none(row.start_time),
        rates=row.rates,
        note=row.note,
        created_at=json_time(row.created_at),
        retired_at=json_time_or_none(row.retired_at),
    )
