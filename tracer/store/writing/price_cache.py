"""The writer's cache of the projects' own prices."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import psycopg

from tracer.pricing.price_book import Price, PriceBook
from tracer.pricing.rates import Rates
from tracer.records import Json
from tracer.times import optional_micros, to_micros

# Prices are added, retired and restored, never changed, so their ids identify a book's version.
_VERSIONS: Final = """
    SELECT project_id, sum(hashtextextended(price_id, 0))
    FROM prices WHERE project_id = ANY(%b) AND retired_at IS NULL GROUP BY project_id
"""
_READ: Final = """
    SELECT project_id, price_id, model, provider, start_time, rates, created_at
    FROM prices WHERE project_id = ANY(%b) AND retired_at IS NULL
"""
_NO_PRICES: Final = PriceBook()


class PriceBooks:
    """The price books of one process, read again when the prices of a project have changed.

    Other processes and servers change prices too, so each transaction queries the versions.
    """

    def __init__(self) -> None:
        self._cached: dict[str, tuple[Decimal, PriceBook]] = {}

    def load(
        self, connection: psycopg.Connection[Any], project_ids: Collection[str]
    ) -> dict[str, PriceBook]:
        """Return the book of each project, with the prices of this moment."""
        versions = dict(connection.execute(_VERSIONS, [list(project_ids)]).fetchall())
        changed = [
            project_id
            for project_id, version in versions.items()
            if self._cached.get(project_id, (None, None))[0] != version
        ]
        if changed:
            # Read after the versions: the next transaction detects a change in between.
            books = _read(connection, changed)
            self._cached |= {each: (versions[each], books[each]) for each in changed}
        return {
            project_id: self._cached[project_id][1] if project_id in versions else _NO_PRICES
            for project_id in project_ids
        }


def _read(connection: psycopg.Connection[Any], project_ids: list[str]) -> dict[str, PriceBook]:
    prices: dict[str, list[Price]] = {project_id: [] for project_id in project_ids}
    for project_id, *row in connection.execute(_READ, [project_ids]):
        prices[project_id].append(_price(*row))
    return {project_id: PriceBook(each) for project_id, each in prices.items()}


def _price(
    price_id: str,
    model: str,
    provider: str | None,
    start: datetime | None,
    rates: Json,
    created: datetime,
) -> Price:
    return Price(
        price_id=price_id,
        model=model,
        provider=provider,
        start=optional_micros(start),
        rates=msgspec.convert(rates, Rates),
        created=to_micros(created),
    )
